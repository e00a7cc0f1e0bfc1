"""``sm backup wal``: receives WAL as it is written, for as long as it runs.

``pg_receivewal`` does the receiving: it flushes what it got before it says so, and Postgres keeps for its slot what it has
not said that of. A folder it writes by itself. For object storage it writes the spool, of which the rest goes on every few
seconds: what is finished once, and what is not again and again.
"""

import asyncio
import gzip
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.embedded import Leash

from host.backup import BackupError, wal
from host.backup.catalogue import look, same_cluster
from host.backup.programs import environment_of, programs, run
from host.backup.progress import say
from host.backup.server import Server, Slot, ask_server, ask_slot, connect
from host.backup.settings import BackupSettings, Installation, url_of
from host.backup.target import Folder, Target, target_of

if TYPE_CHECKING:
    from asyncpg import Connection, Record

LONGEST_PAUSE = 30.0
PATIENCE = 20.0
QUESTIONS = 5
"""More of them about the slot, a tenth of a second apart, while it is behind what the first one saw."""
COARSE = 2.0
"""Seconds within which a file may be written to twice and have one time of change; file systems' clocks are that coarse."""
COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class Received:
    """``receiver.json``: by the server's clock, when all that was committed was in the target, at the latest."""

    until: datetime
    written: datetime
    behind: int
    """Bytes of WAL that Postgres had and the receiver had not."""

    def to_json(self) -> bytes:
        return json.dumps(
            {"until": self.until.isoformat(), "written": self.written.isoformat(), "behind": self.behind}
        ).encode()


def last_received(target: Target) -> Received | None:
    try:
        told = json.loads(target.read(wal.RECEIVER))
    except FileNotFoundError:
        return None
    return Received(datetime.fromisoformat(told["until"]), datetime.fromisoformat(told["written"]), told["behind"])


class Receiver:
    def __init__(self, settings: BackupSettings, installation: Installation) -> None:
        """Raises ``BackupError``."""
        self._settings = settings
        self._url = url_of(settings, installation)
        self.target = target_of(settings.target)
        if isinstance(self.target, Folder):
            self._home = self.target.root
        elif settings.spool is None:
            raise BackupError(
                "object storage needs SM_BACKUP_SPOOL, a folder that outlives this process: what Postgres may forget lies there"
            )
        else:
            self._home = settings.spool
        self._stop = asyncio.Event()
        # Two would not get one slot, so none is left behind, however this one ends.
        self._leash = Leash()
        self._process: asyncio.subprocess.Process | None = None
        self._connection: Connection[Record] | None = None
        self._uploaded: dict[Path, tuple[int, int]] = {}
        self._promised: list[tuple[int, float]] = []

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises ``BackupError`` only for what waiting does not mend."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        failures = 0
        while not self._stop.is_set():
            try:
                server = await ask_server(self._url)
                same_cluster(look(self.target), server.system_identifier)
                await self._receive(server)
                failures = 0
            except BackupError as error:
                failures += 1
                say(f"✗ {error}; trying again")
            await self._pause(min(LONGEST_PAUSE, 2.0 ** min(failures, 10)))
        await self._close()
        self._leash.close()

    async def _receive(self, server: Server) -> None:
        """Until its ``pg_receivewal`` ends, which waits by itself while Postgres is away."""
        found = programs(server.major, self._settings.postgres_bin)
        environment = environment_of(self._url) | {"PGAPPNAME": self._settings.slot}
        receive = [found.path("pg_receivewal"), f"--slot={self._settings.slot}", "--no-password"]
        await asyncio.to_thread(run, [*receive, "--create-slot", "--if-not-exists"], environment)
        folder = self._home / wal.folder_of(server.timeline)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *receive, f"--directory={folder}", "--synchronous", "--status-interval=1",
            env=environment, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._leash.hold(self._process.pid, signal.SIGINT)
        say(f"Receiving WAL of timeline {server.timeline} to {self.target.where}, by the slot {self._settings.slot}")
        try:
            await self._look_after(self._process)
        finally:
            if self._process.returncode is None:
                # SIGINT is what ends it in good order.
                self._process.send_signal(signal.SIGINT)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), PATIENCE)
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            self._leash.release(self._process.pid)
        await self._pass_on()
        if not self._stop.is_set():
            raise BackupError(f"pg_receivewal ended with status {self._process.returncode}")

    async def _look_after(self, process: asyncio.subprocess.Process) -> None:
        ended = asyncio.ensure_future(process.wait())
        try:
            while not self._stop.is_set() and not ended.done():
                try:
                    slot = await self._ask()
                    if slot is None:
                        # A server that was restored has none. Its timeline is another one, too.
                        say(f"! The slot {self._settings.slot} is gone; making it anew")
                        return
                    await self._pass_on()
                    await self._note(slot)
                except BackupError as error:
                    say(f"! {error}")
                await self._pause(self._settings.upload_every, ended)
        finally:
            ended.cancel()

    async def _ask(self) -> Slot | None:
        """``None``: there is no such slot. Raises ``BackupError`` while Postgres does not answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._url)
                first = slot = await ask_slot(self._connection, self._settings.slot)
                for _ in range(QUESTIONS):
                    if first is None or slot is None or slot.received >= first.written:
                        break
                    # Under load the slot is always a little behind; what was written by now it has in a moment.
                    await asyncio.sleep(0.1)
                    slot = await ask_slot(self._connection, self._settings.slot)
                return replace(slot, written=first.written, at=first.at) if first and slot else None
        except Exception as error:
            await self._close()
            raise BackupError(f"Postgres does not answer: {error!r}") from error

    async def _note(self, slot: Slot) -> None:
        """What was written when the server was asked is safe once the slot says that as much was received."""
        if slot.lost:
            raise BackupError(
                f"Postgres removed WAL that was not received (max_slot_wal_keep_size). Drop the slot {self._settings.slot}, "
                "start this again, and take a base backup: nothing after the gap can be restored without one"
            )
        self._promised.append((slot.written, slot.at))
        safe = [at for written, at in self._promised if written <= slot.received]
        self._promised = [promise for promise in self._promised if promise[0] > slot.received]
        if safe:
            received = Received(_moment(safe[-1]), _moment(slot.at), max(0, slot.written - slot.received))
            await asyncio.to_thread(self.target.write, wal.RECEIVER, received.to_json())

    async def _pass_on(self) -> None:
        """From the spool to object storage; finished segments are gone from the spool then."""
        if not self.target.is_local:
            await asyncio.to_thread(self.upload)

    def upload(self) -> None:
        """What changed since the last time."""
        spooled = sorted((self._home / wal.FOLDER).rglob("*"), key=lambda path: path.name)
        for path in [path for path in spooled if path.is_file()]:
            name = path.relative_to(self._home).as_posix()
            if not (wal.NAME(path.name) or wal.HISTORY(path.name)):
                continue
            try:
                state = path.stat()
                if self._uploaded.get(path) == (state.st_mtime_ns, state.st_size):
                    continue
                content = path.read_bytes()
            except FileNotFoundError:  # it is finished just now, and has its name without `.partial`
                continue
            self.target.write(f"{name}.gz", gzip.compress(content, COMPRESSION))
            if time.time() - state.st_mtime > COARSE or not name.endswith(".partial"):
                self._uploaded[path] = state.st_mtime_ns, state.st_size
            if not name.endswith(".partial") and wal.NAME(path.name):
                self.target.delete([f"{name}.partial.gz"])
        self._forget()

    def _forget(self) -> None:
        """Finished segments but the last: by that one ``pg_receivewal`` knows where it was."""
        finished = sorted(path for path in self._uploaded if path.suffix != ".partial" and wal.NAME(path.name))
        for path in finished[:-1]:
            path.unlink(missing_ok=True)
            del self._uploaded[path]

    async def _pause(self, seconds: float, ended: "asyncio.Future[int] | None" = None) -> None:
        stop = asyncio.ensure_future(self._stop.wait())
        waited: set[asyncio.Future[Any]] = {stop, ended} if ended else {stop}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()

    async def _close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def receive(settings: BackupSettings, installation: Installation) -> None:
    os.umask(0o077)
    asyncio.run(Receiver(settings, installation).run())
