"""PgBouncer in front of a test's Postgres, with the configuration of deploy/pgbouncer; only where it listens and whom it knows is changed."""

import configparser
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from host.dev.environment import CLONE

SHIPPED = CLONE / "deploy" / "pgbouncer"
HOST = "127.0.0.1"
PATIENCE = 20.0


class MissingPgBouncerError(RuntimeError):
    """There is no such program on this machine; the message says where it comes from."""


def program() -> str:
    """Raises ``MissingPgBouncerError``."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        raise MissingPgBouncerError("no pgbouncer found: `apt install pgbouncer`")
    return found


class PgBouncer:
    """``with PgBouncer(folder, postgres_port, {"role": "password"}) as bouncer``: any database, at ``bouncer.port``.

    ``folder`` must not be there yet, and its parents must let everybody pass, as PgBouncer does not run as root.
    ``settings`` are those of ``[pgbouncer]`` that are to differ.
    """

    def __init__(
        self, folder: Path, postgres_port: int, roles: Mapping[str, str], settings: Mapping[str, str] | None = None
    ) -> None:
        from framework.embedded import Leash
        from framework.embedded.home import Account
        from framework.embedded.ports import free_port

        self.port = free_port()
        self.log = folder / "pgbouncer.log"
        self._account = Account.current()
        self._leash = Leash()
        self._file = folder / "pgbouncer.ini"
        self._process: subprocess.Popen[bytes] | None = None
        configuration = configparser.ConfigParser(interpolation=None)
        configuration.read_string((SHIPPED / "pgbouncer.ini").read_text())
        configuration["databases"] = {"*": f"host={HOST} port={postgres_port}"}
        users = folder / "userlist.txt"
        own = {"listen_port": str(self.port), "auth_file": str(users), "unix_socket_dir": "", "logfile": str(self.log)}
        configuration["pgbouncer"].update(own | dict(settings or {}))
        folder.mkdir(mode=0o700)
        users.write_text("".join(f'"{role}" "{password}"\n' for role, password in roles.items()))
        with self._file.open("w") as file:
            configuration.write(file)
        if self._account.switch:
            for path in (folder, users, self._file):
                os.chown(path, self._account.user, self._account.group)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program(), "-q", str(self._file)], start_new_session=True, **self._account.rights
        )
        # Not even SIGKILL of the test run leaves it behind.
        self._leash.hold(self._process.pid)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = self.log.read_text() if self.log.exists() else ""
                raise RuntimeError(f"pgbouncer does not start:\n{said[-4000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._leash.close()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


async def limit_role(url: str, database: str) -> None:
    """The time limits that the role ``seamark`` needs behind PgBouncer, in this database only."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        limits = (SHIPPED / "role.sql").read_text()
        await connection.execute(limits.replace("ROLE seamark SET", f"ROLE seamark IN DATABASE {database} SET"))
    finally:
        await connection.close()
