"""A throw-away installation whose processes are there to be killed, with the module ``probe`` beside its own."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import pytest
from framework.application import Application, connect
from framework.module import Module
from framework.settings import Settings
from host.trial import Trial, trial

MODULES = Path(__file__).parent / "modules"
REPUBLISH_AFTER = 2
SHARED = "worker"
"""Goes on from test to test, because a start costs seconds; a test that starts another has that one alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Trial]:
    with trial() as running:
        running.environment |= {
            "PYTHONPATH": str(MODULES),
            "SM_MODULES_ENABLED": "background_tasks,probe",
            "SM_BACKGROUND_TASKS_REPUBLISH_AFTER": str(REPUBLISH_AFTER),
            "SM_LOG_FORMAT": "json",
        }
        yield running


class Faults:
    """What a test does to the installation, and what it then sees in Postgres."""

    def __init__(
        self, trial: Trial, application: Application, connection: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        self.trial = trial
        self.application = application
        self.fetchval = connection.fetchval
        self.fetch = connection.fetch
        sys.path.insert(0, str(MODULES))
        self.tasks: Any = importlib.import_module("probe.tasks")

    async def enqueue(self, name: str, **arguments: Any) -> UUID:
        async with self.application.database.unit_of_work() as session:
            task_id: UUID = await getattr(self.tasks, name).enqueue(session, **arguments)
            return task_id

    async def worker(self, name: str = SHARED, concurrency: int = 2, **environment: str) -> int:
        """Its process id, once it consumes and its relay is there."""
        if name != SHARED or SHARED not in self.trial.processes:
            self.start_worker(name, concurrency, **environment)
        await self.until(lambda: self.says(name, '"relay ready"'))
        return self.trial.processes[name].pid

    def start_worker(self, name: str, concurrency: int = 2, **environment: str) -> None:
        if SHARED in self.trial.processes:
            self.kill(SHARED)
        self.trial.environment |= environment
        celery = ("-m", "celery", "-A", "background_tasks.celery_app", "worker", "-l", "info")
        self.trial.start(name, *celery, "-c", str(concurrency), "-n", f"{name}@%h")

    def beat(self, name: str) -> None:
        self.trial.start(name, "-m", "celery", "-A", "background_tasks.celery_app", "beat", "-l", "info")

    def kill(self, name: str) -> None:
        """The process that was started, as the kernel does when memory is short; its children are not told."""
        process = self.trial.processes.pop(name)
        process.kill()
        process.wait()
        self.trial.leash.release(process.pid)
        self.trial.log(name).unlink()

    def relay_of(self, pid: int) -> psutil.Process:
        return next(child for child in psutil.Process(pid).children() if "background_tasks.relay" in child.cmdline())

    async def says(self, name: str, text: str, times: int = 1) -> bool:
        return self.trial.log(name).read_text().count(text) >= times

    async def effects(self) -> list[str]:
        return [row["key"] for row in await self.fetch("SELECT key FROM effect ORDER BY at")]

    async def state(self, task_id: UUID) -> str:
        state: str = await self.fetchval("SELECT state FROM seamark.task WHERE id = $1", task_id)
        return state

    async def ended(self, task_id: UUID) -> bool:
        return await self.state(task_id) != "queued"

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


@pytest.fixture
async def faults(prepared: Trial) -> AsyncIterator[Faults]:
    environment = dict(prepared.environment)
    url = environment["SM_DATABASE_URL"]
    settings = Settings(
        database_url=url, redis_url=environment["SM_REDIS_URL"], secret_key=environment["SM_SECRET_KEY"]
    )
    application = connect(settings, (Module(name="probe", label="Probe"),), "test")
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS effect (key text, at timestamptz DEFAULT clock_timestamp()); "
        "DELETE FROM effect; DELETE FROM seamark.task; DELETE FROM seamark.task_signal"
    )
    await application.redis.flushdb()
    faults = Faults(prepared, application, connection)
    yield faults
    prepared.environment = environment
    for name in prepared.processes.keys() - {SHARED}:
        faults.kill(name)
    await application.close()
    await connection.close()
