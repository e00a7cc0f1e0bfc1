"""The Postgres and the Redis of a run: embedded ones, or those a person has named."""

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from framework.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey, Leash, data_home
from framework.embedded.home import make_folder

from host.dev.console import Console
from host.dev.supervisor import SERVER_GRACE, in_thread

DATABASE_URL, REDIS_URL = "SM_DATABASE_URL", "SM_REDIS_URL"


class Servers:
    def __init__(self, clone: Path, configured: Mapping[str, str], leash: Leash) -> None:
        home = data_home(clone)
        self._clone = clone
        self._configured = configured
        self._postgres = None if DATABASE_URL in configured else EmbeddedPostgres(home / "postgres", leash=leash)
        self._valkey = None if REDIS_URL in configured else EmbeddedValkey(home / "valkey", leash=leash)

    @property
    def embedded(self) -> list[EmbeddedServer]:
        return [server for server in (self._postgres, self._valkey) if server is not None]

    @property
    def log(self) -> Path | None:
        """Where Postgres writes, as seen from the clone where it is in there."""
        if self._postgres is None:
            return None
        log = self._postgres.folder.log
        return log.relative_to(self._clone) if log.is_relative_to(self._clone) else log

    @property
    def has_administrator(self) -> bool:
        """Noted with the data, so that it goes when the data goes, and a start need not ask: that costs seconds."""
        return self._postgres is not None and self._administrator(self._postgres).exists()

    def note_administrator(self) -> None:
        if self._postgres is not None:
            self._administrator(self._postgres).touch()

    def _administrator(self, postgres: EmbeddedPostgres) -> Path:
        return postgres.folder.path / "has_administrator"

    async def start(self, console: Console) -> None:
        """All at once. Raises ``EmbeddedServerError``."""
        for name in (DATABASE_URL, REDIS_URL):
            if name in self._configured:
                console.say(f"Using the server in {name}")
        for server in self.embedded:
            await in_thread(partial(self._forget_earlier_clone, server))
        async with asyncio.TaskGroup() as group:
            for server in self.embedded:
                group.create_task(self._start(server, console))

    async def stop(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(server.stop, SERVER_GRACE) for server in self.embedded))

    def addresses(self) -> dict[str, str]:
        return {
            DATABASE_URL: self._postgres.url() if self._postgres else self._configured[DATABASE_URL],
            REDIS_URL: self._valkey.url() if self._valkey else self._configured[REDIS_URL],
        }

    async def _start(self, server: EmbeddedServer, console: Console) -> None:
        with console.timed(f"{server.name} ready"):
            await in_thread(server.start)

    def _forget_earlier_clone(self, server: EmbeddedServer) -> None:
        """Root's data is outside the clone and outlives it; a new clone in the same place begins anew all the same."""
        path = server.folder.path
        if path.is_relative_to(self._clone.resolve()):
            return
        ours, known = self._clone / ".seamark/clone_id", path / "clone_id"
        if not ours.exists():
            ours.write_text(secrets.token_hex(8))
        if not known.exists() or known.read_text() != ours.read_text():
            server.erase()
            make_folder(path)
            known.write_text(ours.read_text())
