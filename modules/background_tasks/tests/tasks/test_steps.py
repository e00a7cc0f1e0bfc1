"""A long task: each step commits its effect with the place where the next one goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, cancel, step_task
from framework.tasks.runner import Next, Runner
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]
Make = Callable[..., Application]


class Place(BaseModel):
    line: int


class Break:
    """Raised once before the effect of a step is committed."""

    at: int | None = None


class Ending:
    """A worker that has been told to end, and has time."""

    def is_set(self) -> bool:
        return True

    def deadline(self) -> float:
        return monotonic() + 60


async def write(session: AsyncSession, key: str) -> None:
    await session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})


async def finish(session: AsyncSession, outcome: Outcome, *, lines: int) -> None:
    await write(session, f"{outcome} of {lines}")


@step_task("probe.read", cursor=Place, on_end=finish, retry=RetryPolicy(max_attempts=2))
async def read(run: TaskRun, cursor: Place | None, *, lines: int) -> Place | None:
    line = cursor.line + 1 if cursor else 1
    await write(run.session, f"line {line}")
    if line == Break.at:
        Break.at = None
        raise OSError("disk full")
    return Place(line=line) if line < lines else None


@pytest.fixture
def probe(make_application: Make) -> Application:
    return make_application(read)


async def enqueue(application: Application, lines: int) -> UUID:
    async with application.database.unit_of_work() as session:
        return await read.enqueue(session, lines=lines)


async def make_due(application: Application) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET available_at = now(), publish_at = now()")


async def test_one_worker_takes_step_after_step(probe: Application, effects: Effects, row: Row) -> None:
    task_id = await enqueue(probe, 3)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert await effects() == ["line 1", "line 2", "line 3", "succeeded of 3"]
    assert (await row(task_id))["attempt"] == 1


async def test_after_a_failure_it_goes_on_where_it_was(
    probe: Application, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Break, "at", 2)
    task_id = await enqueue(probe, 3)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    assert await effects() == ["line 1"]
    await make_due(probe)
    assert await Runner(probe, "there").run(task_id) is Outcome.SUCCEEDED
    assert await effects() == ["line 1", "line 2", "line 3", "succeeded of 3"]


async def test_attempts_are_counted_for_each_step(
    probe: Application, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await enqueue(probe, 4)
    for line in (1, 2, 3):
        monkeypatch.setattr(Break, "at", line)
        assert await Runner(probe, "here").run(task_id) is Next.REPEATED
        await make_due(probe)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert (await effects())[-2:] == ["line 4", "succeeded of 4"]


async def test_a_worker_that_is_to_end_gives_it_back_between_two_steps(
    probe: Application, effects: Effects, row: Row
) -> None:
    task_id = await enqueue(probe, 2)
    assert await Runner(probe, "ending", Ending()).run(task_id) is Next.GIVEN_BACK
    assert await effects() == ["line 1"]
    assert await Runner(probe, "other").run(task_id) is Outcome.SUCCEEDED
    assert await effects() == ["line 1", "line 2", "succeeded of 2"]
    assert (await row(task_id))["worker"] == "other"


async def test_it_is_given_back_before_the_hard_limit_could_hit_a_step(make_application: Make) -> None:
    @step_task("probe.long", cursor=int, soft_limit=0.2, hard_limit=0.3)
    async def long(run: TaskRun, cursor: int | None) -> int:
        await asyncio.sleep(0.11)
        return 1

    probe = make_application(long)
    async with probe.database.unit_of_work() as session:
        task_id = await long.enqueue(session)
    assert await Runner(probe, "here").run(task_id) is Next.GIVEN_BACK


async def test_cancelled_half_way_what_was_committed_stays(make_application: Make, effects: Effects, row: Row) -> None:
    @step_task("probe.cancelled", cursor=int, on_end=write)
    async def cancelled(run: TaskRun, cursor: int | None) -> int | None:
        step = (cursor or 0) + 1
        await write(run.session, f"step {step}")
        if step == 2:
            async with run.application.database.unit_of_work() as session:
                await cancel(session, run.task_id)
        return step if step < 4 else None

    probe = make_application(cancelled)
    async with probe.database.unit_of_work() as session:
        task_id = await cancelled.enqueue(session)
    assert await Runner(probe, "here").run(task_id) is Outcome.CANCELLED
    assert await effects() == ["step 1", "step 2", "cancelled"]
    assert (await row(task_id))["steps"] == 2
