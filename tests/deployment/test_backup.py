"""Backups of a real Postgres, to a folder and to object storage, and what is restored from them."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil
import pytest
from framework.embedded import EmbeddedPostgres
from framework.embedded.folder import Identity
from framework.embedded.home import make_folder
from host.backup.drill import drill
from host.backup.evidence import recovered
from host.trial import Trial

from tests.deployment.object_storage import ObjectStorage, program
from tests.faults.conftest import Report
from tests.faults.faults import Faults

SM = ("-m", "host.cli")
ROLE = "seamark_backup"


async def test_an_installation_that_was_destroyed_under_load_comes_back(report: Report, long: bool) -> None:
    outcome = await drill(60 if long else 6)
    report("disaster drill: " + "; ".join(outcome.lines))
    assert outcome.broken == []


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[ObjectStorage]:
    if program() is None:
        message = "no rclone found: `uv sync` brings it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with ObjectStorage(tmp_path / "storage") as storage:
        yield storage


class Backups:
    """``sm backup`` of one installation to one target, and a table to write to."""

    def __init__(self, trial: Trial, faults: Faults, storage: ObjectStorage, folder: Path) -> None:
        self.trial = trial
        self.faults = faults
        self.storage = storage
        self.folder = folder
        self.environment = storage.environment | {
            "SM_BACKUP_TARGET": storage.target,
            "SM_BACKUP_SPOOL": str(folder / "spool"),
            "SM_BACKUP_UPLOAD_EVERY": "0.5",
            "SM_BACKUP_DATABASE_URL": trial.postgres.url(user=ROLE),
        }

    def sm(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *SM, *words]
        return subprocess.run(
            command, env=self.trial.environment | self.environment | environment, cwd=self.trial.clone,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    async def receive(self) -> None:
        self.trial.start("wal", *SM, "backup", "wal", environment=self.environment)
        await self.faults.until(lambda: self.faults.says("wal", "Receiving WAL"))

    async def write(self, number: int) -> None:
        await self.faults.fetchval("INSERT INTO effect (key) SELECT n::text FROM generate_series(1, $1) n", number)

    async def safe(self) -> None:
        """Until all that is committed by now is in the target."""
        now = datetime.now(UTC)
        path = self.storage.folder / "seamark/wal/receiver.json"

        async def is_noted() -> bool:
            try:
                return datetime.fromisoformat(json.loads(path.read_text())["until"]) > now
            except (FileNotFoundError, ValueError):
                return False

        await self.faults.until(is_noted)


@pytest.fixture
async def backups(prepared: Trial, faults: Faults, storage: ObjectStorage, tmp_path: Path) -> AsyncIterator[Backups]:
    password = prepared.postgres.identity.password
    await as_superuser(
        prepared, f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{password}' IN ROLE pg_read_all_data, pg_monitor"
    )
    yield Backups(prepared, faults, storage, tmp_path)
    if "wal" in prepared.processes:
        await asyncio.to_thread(prepared.stop, "wal")
    # What received may take a moment to be gone.
    await faults.until(lambda: faults.fetchval("SELECT count(*) = 0 FROM pg_replication_slots WHERE active"))
    await as_superuser(prepared, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    await as_superuser(prepared, f"DROP ROLE {ROLE}")


async def as_superuser(trial: Trial, statement: str) -> None:
    connection = await asyncpg.connect(trial.postgres.url(user="postgres").replace("+asyncpg", ""))
    await connection.execute(statement)
    await connection.close()


async def test_wal_reaches_object_storage_whatever_is_restarted(
    prepared: Trial, faults: Faults, backups: Backups, report: Report
) -> None:
    await backups.receive()
    assert "SM049" in backups.sm("doctor", "--fail-level", "never").stdout
    taken = await asyncio.to_thread(backups.sm, "backup", "base")
    assert taken.returncode == 0, taken.stderr
    await backups.write(1000)
    await faults.restart_postgres()
    await backups.write(1000)
    receiver = psutil.Process(prepared.processes["wal"].pid)
    for process in (receiver, *receiver.children(recursive=True)):
        process.send_signal(signal.SIGKILL)
    prepared.leash.release(prepared.processes.pop("wal").pid)
    await backups.write(1000)
    await backups.receive()
    await as_superuser(prepared, "SELECT pg_switch_wal()")
    await backups.write(1000)
    await backups.safe()

    listed = await asyncio.to_thread(backups.sm, "backup", "list")
    assert "WAL is received" in listed.stdout, listed.stdout
    verified = await asyncio.to_thread(backups.sm, "backup", "verify")
    assert verified.returncode == 0, verified.stderr
    restored = await restore(prepared, backups)
    report(f"object storage: {restored} of 4000 rows restored after a restart of Postgres and a kill of the receiver")
    assert restored == 4000

    (archive,) = backups.storage.folder.glob("seamark/bases/*/base.tar.gz")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    broken = await asyncio.to_thread(backups.sm, "backup", "verify")
    assert (broken.returncode, "SHA-256 differs" in broken.stderr) == (1, True), broken.stderr


async def restore(prepared: Trial, backups: Backups) -> int:
    """The rows that a server started on what was restored has. With another key, which is told."""
    folder = prepared.folder / "restored"
    make_folder(folder)
    postgres = EmbeddedPostgres(folder, leash=prepared.leash)
    postgres.folder.remember(Identity(None, prepared.postgres.identity.password))
    owner = ("--owner", "nobody") if postgres.account.switch else ()
    words = ("restore", "--to", str(postgres.folder.data), "--latest", *owner)
    try:
        done = await asyncio.to_thread(
            lambda: backups.sm(*words, SM_SECRET_KEY="another key of thirty-two bytes and more")
        )
        assert done.returncode == 0, done.stderr
        assert "SM_SECRET_KEY is not the one of this backup" in done.stdout
        await asyncio.to_thread(postgres.start)
        await recovered(postgres.url())
        connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
        rows: int = await connection.fetchval("SELECT count(*) FROM effect")
        await connection.close()
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return rows
