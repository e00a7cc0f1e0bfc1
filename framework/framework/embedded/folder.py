"""A server's folder on disk: who uses it, what it remembers, and what a killed owner left running in it."""

import json
import os
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.embedded.lock import FileLock

if TYPE_CHECKING:
    import psutil

LOG_LIMIT = 5_000_000


@dataclass
class Identity:
    """Kept from one start to the next, so that a database client's bookmark stays valid."""

    port: int | None
    password: str


class ServerFolder:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.log = self.path / "server.log"
        self._identity = self.path / "server.json"
        self.lock = FileLock(self.path / "lock")

    def recall(self) -> Identity:
        try:
            return Identity(**json.loads(self._identity.read_text()))
        except FileNotFoundError:
            return Identity(None, secrets.token_urlsafe(24))

    def remember(self, identity: Identity) -> None:
        fresh = self._identity.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"port": identity.port, "password": identity.password}, file)
        fresh.replace(self._identity)

    def shorten_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))

    def end_leftovers(self, program: str, pid_file: str, ending: signal.Signals) -> None:
        """End the processes of an owner that was killed: those called ``program`` that work in this data folder.

        Neither a process id in a file (it may be somebody else's by now) nor a command line (Postgres overwrites its
        children's) identifies them; the folder they work in does, for every one of them.
        """
        if not (self.data / pid_file).exists():
            return
        # psutil is a developers' dependency, and `sm backup` imports this package in production.
        import psutil  # noqa: PLC0415

        from framework.embedded.ending import end_all  # noqa: PLC0415

        family = [process for process in psutil.process_iter(["name"]) if self._works_here(process, program)]
        end_all(family, ending, patience=10)
        # Left behind by a kill -9. Postgres would take it for a live server as soon as the system gives the id away again.
        (self.data / pid_file).unlink(missing_ok=True)

    def _works_here(self, process: "psutil.Process", program: str) -> bool:
        import psutil  # noqa: PLC0415

        with suppress(psutil.Error):
            return process.info["name"] == program and Path(process.cwd()) == self.data.resolve()
        return False
