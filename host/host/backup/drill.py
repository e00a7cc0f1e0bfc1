"""``sm dr-drill``: loses a whole database under load, on purpose, and counts what comes back.

What is destroyed is an installation of its own: Postgres and the receiver of its WAL are killed at once (SIGKILL), and their
folders are deleted. What is left is the target.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import httpx
import psutil
from framework.embedded import EmbeddedPostgres
from framework.embedded.folder import Identity
from framework.embedded.home import make_folder
from framework.embedded.ports import free_port

from host.backup import evidence
from host.backup.evidence import Write, Writers
from host.backup.progress import say
from host.backup.receiver import last_received
from host.backup.target import target_of
from host.trial import ADMINISTRATOR, Trial, trial

SM = ("-m", "host.cli")
PROMISED_LOSS = 10.0
"""Seconds of acknowledged writes; what is measured is far less."""
ROLE = "seamark_backup"


@dataclass
class Outcome:
    """``broken`` are promises that did not hold."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def told(self, line: str) -> None:
        self.lines.append(line)
        say(line)

    def judged(self, promise: str, kept: bool) -> None:
        say(f"  {'✓' if kept else '✗'} {promise}")
        if not kept:
            self.broken.append(promise)


async def drill(seconds: float, target: str | None = None) -> Outcome:
    """Writes for ``seconds``, then destroys, and restores twice."""
    outcome = Outcome()
    with trial(durable=True) as installation:
        drilled = Drill(installation, target or str(installation.folder / "backups"), outcome)
        await drilled.prepare()
        await drilled.write_and_destroy(seconds)
        await drilled.to_the_end()
        await drilled.to_the_moment()
    outcome.told(f"{len(outcome.broken)} promises broken")
    return outcome


class Drill:
    def __init__(self, installation: Trial, target: str, outcome: Outcome) -> None:
        self.trial = installation
        self.outcome = outcome
        self.target = target
        self.writes: list[Write] = []
        self.file = evidence.import_file()
        self.spool = installation.folder / "spool"
        installation.environment |= {
            "SM_BACKUP_TARGET": target,
            "SM_BACKUP_SPOOL": str(self.spool),
            "TMPDIR": str(installation.folder),
        }

    async def prepare(self) -> None:
        superuser = self.trial.postgres.url(user="postgres").replace("+asyncpg", "")
        password = self.trial.postgres.identity.password
        connection = await asyncpg.connect(superuser)
        await connection.execute(
            f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{password}' IN ROLE pg_read_all_data, pg_monitor"
        )
        await connection.close()
        self.trial.environment["SM_BACKUP_DATABASE_URL"] = self.trial.postgres.url(user=ROLE)
        await asyncio.to_thread(self.trial.start_web)
        async with httpx.AsyncClient(base_url=self.trial.url, timeout=30) as client:
            self.cookie = await evidence.sign_in(client, *ADMINISTRATOR)
            # No worker runs, so it waits with all its bytes.
            self.import_id = await evidence.upload(client, self.cookie, self.file)
        self.trial.start("wal", *SM, "backup", "wal")
        log = self.trial.log("wal")
        await asyncio.to_thread(self.trial.wait_until, lambda: "Receiving WAL" in log.read_text(), "wal")

    async def write_and_destroy(self, seconds: float) -> None:
        async with Writers(self.trial.url, self.cookie) as writers:
            await asyncio.sleep(seconds / 4)
            await asyncio.to_thread(self.trial.run, *SM, "backup", "base")
            await asyncio.sleep(seconds / 4)
            self.moment = time.time()
            await asyncio.sleep(seconds / 2)
            # The moment was half way through, and `sm restore` promises no moment that was not noted.
            noted = await evidence.until(self._is_noted, PROMISED_LOSS)
            self.outcome.judged(f"what is committed is noted as received within {PROMISED_LOSS:g} s", noted)
            self.destroyed = time.time()
            self._destroy()
        self.writes = writers.writes
        self.trial.stop("web")
        acknowledged = [write for write in self.writes if write.acknowledged]
        self.outcome.told(
            f"destroyed under load: {len(acknowledged)} writes acknowledged, "
            f"{len(acknowledged) / (self.destroyed - writers.began):.0f}/s, a base backup taken meanwhile"
        )

    async def _is_noted(self) -> bool:
        received = await asyncio.to_thread(last_received, target_of(self.target))
        return received is not None and received.until.timestamp() >= self.moment

    def _destroy(self) -> None:
        postgres, receiver = psutil.Process(self.trial.postgres.pid), psutil.Process(self.trial.processes["wal"].pid)
        doomed = [one for root in (postgres, receiver) for one in (root, *root.children(recursive=True))]
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(doomed, timeout=10)
        self.trial.leash.release(self.trial.processes.pop("wal").pid)
        shutil.rmtree(self.trial.postgres.folder.data)
        shutil.rmtree(self.spool, ignore_errors=True)

    async def to_the_end(self) -> None:
        """All there is, in the place of what was lost."""
        began = time.time()
        await self._restore(self.trial.postgres, "--latest")
        restored = time.time()
        await asyncio.to_thread(self.trial.start_web)
        serving = time.time()
        connection = await asyncpg.connect(self.trial.postgres.url().replace("+asyncpg", ""))
        there = await evidence.names(connection)
        lost = [write for write in self.writes if write.acknowledged and write.label not in there]
        loss = self.destroyed - min((write.acknowledged for write in lost), default=self.destroyed)
        self.outcome.told(
            f"to the end: RPO {loss:.2f} s, {len(lost)} acknowledged writes lost; RTO {serving - began:.1f} s (data {restored - began:.1f} s)"
        )
        self.outcome.judged(f"at most {PROMISED_LOSS:g} s of acknowledged writes are lost", loss <= PROMISED_LOSS)
        await self._is_whole(connection, self.trial.url)
        await asyncio.to_thread(self.trial.start_worker)
        finished = await evidence.until(lambda: evidence.import_finished(connection, self.import_id))
        imported = await evidence.imported(connection)
        self.outcome.judged(
            f"the import that waited is done by a worker: {imported} rows", finished and imported == evidence.ROWS
        )
        self.outcome.judged("no task is left", await evidence.until(lambda: evidence.drained(connection)))
        self.outcome.judged("no sequence is behind its table", not await evidence.sequences_behind(connection))
        await connection.close()
        for name in ("worker", "web"):
            self.trial.stop(name)

    async def to_the_moment(self) -> None:
        """Beside it, as it was half way through."""
        folder = self.trial.folder / "postgres-of-the-moment"
        other = EmbeddedPostgres(folder, leash=self.trial.leash)
        make_folder(folder)
        other.folder.remember(Identity(None, self.trial.postgres.identity.password))
        began = time.time()
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.moment)) + f"{self.moment % 1:.6f}"[1:] + "Z"
        try:
            await self._restore(other, "--time", text)
            self.trial.environment["SM_DATABASE_URL"] = other.url()
            self.trial.port = free_port()
            self.trial.environment["SM_PUBLIC_URL"] = self.trial.url
            await asyncio.to_thread(self.trial.start_web)
            serving = time.time()
            connection = await asyncpg.connect(other.url().replace("+asyncpg", ""))
            there = await evidence.names(connection)
            before = [write for write in self.writes if write.acknowledged and write.acknowledged <= self.moment]
            after = [write for write in self.writes if write.sent > self.moment]
            missing = sum(write.label not in there for write in before)
            beyond = sum(write.label in there for write in after)
            self.outcome.told(
                f"to a moment: {missing} of {len(before)} writes before it missing, {beyond} of {len(after)} after it there; "
                f"RTO {serving - began:.1f} s"
            )
            self.outcome.judged(
                "every write acknowledged before the moment is there, and none sent after it",
                (missing, beyond) == (0, 0),
            )
            await self._is_whole(connection, self.trial.url)
            await connection.close()
            self.trial.stop("web")
        finally:
            other.stop()

    async def _restore(self, postgres: EmbeddedPostgres, *words: str) -> None:
        account = postgres.account
        owner = ("--owner", "nobody") if account.switch else ()
        printed = await asyncio.to_thread(
            self.trial.run, *SM, "restore", "--to", str(postgres.folder.data), *words, *owner
        )
        self.outcome.judged("the key is the one of the backup", "SM_SECRET_KEY is not the one" not in printed)
        await asyncio.to_thread(postgres.start)
        await evidence.recovered(postgres.url())

    async def _is_whole(self, connection: "asyncpg.Connection[asyncpg.Record]", url: str) -> None:
        self.outcome.judged(
            "the uploaded file is there, byte for byte",
            await evidence.uploaded(connection, self.import_id) == self.file,
        )
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            answer = await client.get("/api/users/me", headers={"cookie": self.cookie})
            self.outcome.judged("who was signed in still is", answer.status_code == 200)
            answer = await client.post(
                "/api/contacts",
                headers={"cookie": self.cookie},
                json={"name": "After", "email": f"after-{os.urandom(4).hex()}@example.test"},
            )
            self.outcome.judged("it takes writes", answer.status_code < 300)
        try:
            await asyncio.to_thread(self.trial.run, *SM, "migrate", "--check")
            is_at_head = True
        except RuntimeError as error:
            sys.stderr.write(f"{error}\n")
            is_at_head = False
        self.outcome.judged("sm migrate --check", is_at_head)
