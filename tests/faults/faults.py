"""What a test does to the installation, and what it then sees in Postgres."""

import asyncio
import importlib
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from framework.application import connect
from framework.module import Module
from framework.settings import Settings
from host.trial import CELERY, Trial

MODULES = Path(__file__).parent / "modules"
SHARED = "worker"
"""Goes on from test to test, because a start costs seconds; a test that starts another has that one alone."""
OWN = ("effect", "begun", "released", "asked")
"""Tables of the probe's: what its tasks did, which began, which may end, and what was written beside an enqueuing."""
TABLES = "; ".join(
    (
        *(f"CREATE TABLE IF NOT EXISTS {table} (key text, at timestamptz DEFAULT clock_timestamp())" for table in OWN),
        # Tasks first: this waits for those of an earlier test that still run, and then their effects are there to go, too.
        *(
            f"DELETE FROM seamark.{table}"
            for table in ("task", "task_signal", "task_failure", "task_log", "task_schedule")
        ),
        *(f"DELETE FROM {table}" for table in OWN),
    )
)


class Faults:
    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        environment = trial.environment
        settings = Settings(
            database_url=environment["SM_DATABASE_URL"],
            redis_url=environment["SM_REDIS_URL"],
            secret_key=environment["SM_SECRET_KEY"],
        )
        self.application = connect(settings, (Module(name="probe", label="Probe"),), "test")
        # Not sooner: an installation of any other test in this process would have the module, too.
        if str(MODULES) not in sys.path:
            sys.path.insert(0, str(MODULES))
        self.tasks: Any = importlib.import_module("probe.tasks")

    async def clean(self) -> None:
        async with self.application.database.driver_connection() as connection:
            await connection.execute(TABLES)
        await self.application.redis.flushdb()

    async def close(self) -> None:
        await self.application.close()

    # Processes

    async def worker(
        self, name: str = SHARED, environment: Mapping[str, str] | None = None, *, concurrency: int = 2
    ) -> int:
        """Its process id, once it consumes and its relay is there."""
        if name != SHARED or SHARED not in self.trial.processes:
            self.start_worker(name, environment, concurrency=concurrency)
        await self.until(lambda: self.is_ready(name))
        return self.trial.processes[name].pid

    def start_worker(self, name: str, environment: Mapping[str, str] | None = None, *, concurrency: int = 2) -> None:
        if SHARED in self.trial.processes:
            self.kill(SHARED)
        arguments = ("worker", "-l", "info", "-c", str(concurrency), "-n", f"{name}@%h")
        self.trial.start(name, *CELERY, *arguments, environment=environment)

    async def is_ready(self, name: str) -> bool:
        return await self.says(name, '"relay ready"') and await self.says(name, " ready.")

    def beat(self, name: str) -> None:
        self.trial.start(name, *CELERY, "beat", "-l", "info")

    def send(self, name: str, number: signal.Signals, *, family: bool = False) -> None:
        """To the process that was started or, with ``family``, also to what it has started itself."""
        process = psutil.Process(self.trial.processes[name].pid)
        # The parent first: it would start others for the children it misses.
        for member in (process, *(process.children(recursive=True) if family else ())):
            member.send_signal(number)

    def kill(self, name: str, *, family: bool = False) -> None:
        """As the kernel does when memory is short. Its children are not told, unless they are killed with it."""
        if self.trial.processes[name].poll() is None:
            self.send(name, signal.SIGKILL, family=family)
        process = self.trial.processes.pop(name)
        process.wait()
        self.trial.leash.release(process.pid)
        self.trial.log(name).unlink()

    def relay_of(self, pid: int) -> psutil.Process:
        return next(child for child in psutil.Process(pid).children() if "background_tasks.relay" in child.cmdline())

    async def says(self, name: str, text: str, times: int = 1) -> bool:
        return self.trial.log(name).read_text().count(text) >= times

    async def restart_postgres(self) -> None:
        """As a deployment does: transactions roll back, connections end."""
        await asyncio.to_thread(self.trial.postgres.stop)
        await asyncio.to_thread(self.trial.postgres.start)
        await self.application.database.close()

    # Tasks

    async def enqueue(self, name: str, **arguments: Any) -> UUID:
        async with self.application.database.unit_of_work() as session:
            task_id: UUID = await getattr(self.tasks, name).enqueue(session, **arguments)
            return task_id

    async def begun(self, key: str, times: int = 1) -> bool:
        return bool(await self.fetchval("SELECT count(*) FROM begun WHERE key = $1", key) >= times)

    async def release(self, key: str) -> None:
        await self.fetchval("INSERT INTO released (key) VALUES ($1)", key)

    async def effects(self) -> list[str]:
        return [row["key"] for row in await self.fetch("SELECT key FROM effect ORDER BY at")]

    async def state(self, task_id: UUID) -> str:
        state: str = await self.fetchval("SELECT state FROM seamark.task WHERE id = $1", task_id)
        return state

    async def ended(self, task_id: UUID) -> bool:
        return await self.state(task_id) != "queued"

    async def drained(self) -> bool:
        return not await self.fetchval("SELECT count(*) FROM seamark.task WHERE state = 'queued'")

    # Postgres

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        async with self.application.database.driver_connection() as connection:
            return await connection.fetch(statement, *values)

    async def fetchval(self, statement: str, *values: Any) -> Any:
        async with self.application.database.driver_connection() as connection:
            return await connection.fetchval(statement, *values)

    async def until(self, condition: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
        """What ``condition`` returns once that is true."""
        try:
            async with asyncio.timeout(seconds):
                while not (result := await condition()):  # noqa: ASYNC110 - what is waited for is in another process
                    await asyncio.sleep(0.02)
                return result
        except TimeoutError:
            logs = {name: self.trial.log(name).read_text()[-2000:] for name in self.trial.processes}
            raise AssertionError("\n".join(f"--- {name}\n{log}" for name, log in logs.items())) from None
