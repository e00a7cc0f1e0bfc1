"""Tasks whose effects can be counted."""

import asyncio
import os
import signal
import time
from contextlib import suppress

import structlog
from framework.tasks import Outcome, RetryPolicy, TaskRun, step_task, task
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger()
STEP = 0.1


async def write(session: AsyncSession, key: str) -> None:
    await session.execute(text("INSERT INTO effect (key) VALUES (:key)"), {"key": key})


@task("probe.note")
async def note(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    log.info("noted", key=key)


@task("probe.slow")
async def slow(run: TaskRun, *, key: str, seconds: float) -> None:
    await write(run.session, key)
    await asyncio.sleep(seconds)


@task("probe.poison", retry=RetryPolicy(max_attempts=2))
async def poison(run: TaskRun) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task("probe.stuck", retry=RetryPolicy(max_attempts=1), soft_limit=0.5, hard_limit=1)
async def stuck(run: TaskRun) -> None:
    time.sleep(60)  # noqa: ASYNC251 - holds the event loop, so that only the hard limit ends it


@task("probe.deaf")
async def deaf(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    time.sleep(60)  # noqa: ASYNC251 - nobody in this process hears that it is cancelled


@task("probe.stubborn")
async def stubborn(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


@task("probe.tick")
async def tick(run: TaskRun) -> None:
    await write(run.session, "tick")


async def finish(session: AsyncSession, outcome: Outcome, *, key: str, steps: int) -> None:
    await write(session, f"{key} {outcome}")


@step_task("probe.count", cursor=int, on_end=finish)
async def count(run: TaskRun, cursor: int | None, *, key: str, steps: int) -> int | None:
    step = (cursor or 0) + 1
    await write(run.session, f"{key} {step}")
    await run.progress(step, steps)
    await asyncio.sleep(STEP)
    return step if step < steps else None
