"""Tasks whose effects can be counted."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import timedelta

import structlog
from framework.tasks import Outcome, RetryPolicy, TaskRun, step_task, task
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger()
STEP = 0.1
SOFT, HARD = (float(seconds) for seconds in os.environ.get("PROBE_LIMITS", "60 90").split())
"""Seconds: tests that shorten the leases of their workers shorten these with them."""
PATIENT = RetryPolicy(20, base=timedelta(seconds=0.1), cap=timedelta(seconds=1))
"""For tasks that are killed by the test and not by themselves."""
BRIEF = RetryPolicy(3, base=timedelta(seconds=0.1))


async def write(session: AsyncSession, key: str) -> None:
    await session.execute(text("INSERT INTO effect (key) VALUES (:key)"), {"key": key})


@task("probe.note", soft_limit=SOFT, hard_limit=HARD, retry=PATIENT)
async def note(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    log.info("noted", key=key)


async def begin(run: TaskRun, key: str) -> None:
    """Beside the transaction: that it began can be seen at once, and stays when the effect does not."""
    async with run.application.database.driver_connection() as connection:
        await connection.execute("INSERT INTO begun (key) VALUES ($1)", key)


@task("probe.slow", soft_limit=SOFT, hard_limit=HARD, retry=PATIENT)
async def slow(run: TaskRun, *, key: str, seconds: float) -> None:
    await write(run.session, key)
    await begin(run, key)
    await asyncio.sleep(seconds)


@task("probe.hold", soft_limit=SOFT, hard_limit=HARD, retry=PATIENT)
async def hold(run: TaskRun, *, key: str) -> None:
    """Until the test lets it go."""
    await write(run.session, key)
    await begin(run, key)
    released = text("SELECT count(*) FROM released WHERE key = :key")
    while not await run.session.scalar(released, {"key": key}):  # noqa: ASYNC110 - it waits for another process
        await asyncio.sleep(0.05)


@task("probe.poison", soft_limit=SOFT, hard_limit=HARD, retry=BRIEF)
async def poison(run: TaskRun) -> None:
    """Ends its process as the kernel does when memory is short."""
    await write(run.session, "poison")
    os.kill(os.getpid(), signal.SIGKILL)


@task("probe.wrong", soft_limit=SOFT, hard_limit=HARD, retry=BRIEF)
async def wrong(run: TaskRun) -> None:
    await write(run.session, "wrong")
    raise LookupError("it never works")


@task("probe.greedy", soft_limit=SOFT, hard_limit=HARD, retry=BRIEF)
async def greedy(run: TaskRun) -> None:
    await write(run.session, "greedy")
    bytearray(1 << 62)


@task("probe.stuck", soft_limit=0.5, hard_limit=1, retry=BRIEF)
async def stuck(run: TaskRun) -> None:
    await write(run.session, "stuck")
    time.sleep(600)  # noqa: ASYNC251 - holds the event loop, so that only the hard limit ends it


@task("probe.deaf", soft_limit=SOFT, hard_limit=HARD, retry=PATIENT)
async def deaf(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    time.sleep(600)  # noqa: ASYNC251 - nobody in this process hears that it is cancelled


@task("probe.stubborn", soft_limit=SOFT, hard_limit=HARD, retry=PATIENT)
async def stubborn(run: TaskRun, *, key: str) -> None:
    await write(run.session, key)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


@task("probe.ask", soft_limit=3, hard_limit=6, retry=RetryPolicy(1))
async def ask(run: TaskRun, *, url: str) -> None:
    """Another service."""
    (await run.application.http.request("GET", url)).raise_for_status()


@task("probe.tick", soft_limit=SOFT, hard_limit=HARD)
async def tick(run: TaskRun) -> None:
    await write(run.session, "tick")


async def finish(session: AsyncSession, outcome: Outcome, *, key: str, steps: int) -> None:
    await write(session, f"{key} {outcome}")


@step_task("probe.count", cursor=int, soft_limit=SOFT, hard_limit=HARD, retry=PATIENT, on_end=finish)
async def count(run: TaskRun, cursor: int | None, *, key: str, steps: int) -> int | None:
    step = (cursor or 0) + 1
    await write(run.session, f"{key} {step}")
    await run.progress(step, steps)
    await asyncio.sleep(STEP)
    return step if step < steps else None
