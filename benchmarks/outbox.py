"""Seamark's side: what is in the outbox, and when it starts."""

import asyncio
import importlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from framework.application import Application, connect
from framework.settings import Settings
from host.trial import Trial

from benchmarks.drain import drain
from benchmarks.pauses import pauses

nothing: Any = importlib.import_module("nothing.module")  # in a folder that `measure_tasks` adds to the path
BATCH = 1000
LEFT = "SELECT count(*) FROM seamark.task WHERE state = 'queued'"
STARTED = "SELECT extract(epoch FROM started_at) FROM seamark.task_signal WHERE task_id = $1"


@asynccontextmanager
async def connected(installation: Trial) -> AsyncIterator[Application]:
    names = ("database_url", "redis_url", "secret_key")
    values = {name: installation.environment[f"SM_{name.upper()}"] for name in names}
    application = connect(Settings.model_validate({"environment": "test", **values}), (nothing.module,), "benchmark")
    try:
        yield application
    finally:
        await application.close()


async def fill(installation: Trial, count: int) -> None:
    async with connected(installation) as application:
        for _ in range(0, count, BATCH):
            async with application.database.unit_of_work() as session:
                await nothing.noop.enqueue_many(session, [{}] * BATCH)


async def rate(installation: Trial, count: int) -> float:
    async with connected(installation) as application, application.database.driver_connection() as connection:

        async def left() -> int:
            return int(await connection.fetchval(LEFT))

        return await drain(count, left)


async def latencies(installation: Trial, count: int) -> list[float]:
    """Seconds from asking for the commit to when the attempt is counted, just before the task's first line."""
    async with connected(installation) as application:
        waited = []
        # The first one waits for the worker.
        for pause in pauses(1 + count):
            await asyncio.sleep(pause)
            async with application.database.unit_of_work() as session:
                task_id = await nothing.noop.enqueue(session)
                asked = time.time()
            waited.append(await started(application, task_id) - asked)
        return waited[1:]


async def started(application: Application, task_id: UUID) -> float:
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.01)
            async with application.database.driver_connection() as connection:
                if (at := await connection.fetchval(STARTED, task_id)) is not None:
                    return float(at)
