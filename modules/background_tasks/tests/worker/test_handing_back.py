"""A worker that is to end lets its tasks finish until a deadline, and hands back at once what it then still runs."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, step_task, task
from framework.tasks.runner import Next, Runner
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]
Make = Callable[..., Application]


class Told:
    """A worker that was told to end, and by when."""

    def __init__(self, seconds: float) -> None:
        self._deadline = monotonic() + seconds

    def is_set(self) -> bool:
        return True

    def deadline(self) -> float:
        return self._deadline


class ToldLater:
    """A worker that is told to end while it runs a task."""

    told = False

    def is_set(self) -> bool:
        return self.told

    def deadline(self) -> float | None:
        return monotonic() if self.told else None


async def write(run: TaskRun, key: str) -> None:
    await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})


async def enqueue(application: Application, declared: Any) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await declared.enqueue(session)
        return task_id


async def test_what_takes_longer_is_handed_back_and_the_attempt_does_not_count(
    make_application: Make, effects: Effects, row: Row
) -> None:
    ends = asyncio.Event()

    @task("probe.long", retry=RetryPolicy(max_attempts=1))
    async def long(run: TaskRun) -> None:
        await write(run, f"attempt {run.attempt}")
        await ends.wait()

    probe = make_application(long)
    task_id = await enqueue(probe, long)
    assert await Runner(probe, "ending", Told(0.1)).run(task_id) is Next.GIVEN_BACK
    assert await effects() == []
    waiting = await row(task_id)
    assert (waiting["state"], waiting["error"], waiting["heartbeat_at"]) == ("queued", None, None)
    ends.set()
    assert await run_due_tasks(probe) == [("probe.long", Outcome.SUCCEEDED)]
    assert await effects() == ["attempt 1"]


async def test_what_is_done_in_time_is_not_handed_back(make_application: Make) -> None:
    @task("probe.short")
    async def short(run: TaskRun) -> None:
        await asyncio.sleep(0)

    probe = make_application(short)
    task_id = await enqueue(probe, short)
    assert await Runner(probe, "ending", Told(60)).run(task_id) is Outcome.SUCCEEDED


async def test_a_task_that_runs_hears_that_its_worker_is_to_end(
    make_application: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.tasks.watch.HEARTBEAT", 0.05)
    stopping, running = ToldLater(), asyncio.Event()

    @task("probe.endless")
    async def endless(run: TaskRun) -> None:
        running.set()
        await asyncio.Event().wait()

    probe = make_application(endless)
    task_id = await enqueue(probe, endless)
    run = asyncio.create_task(Runner(probe, "ending", stopping).run(task_id))
    await asyncio.wait_for(running.wait(), 5)
    stopping.told = True
    assert await asyncio.wait_for(run, 5) is Next.GIVEN_BACK


async def test_of_a_task_with_steps_the_step_is_handed_back(make_application: Make, effects: Effects, row: Row) -> None:
    stopping = ToldLater()

    @step_task("probe.stepping", cursor=int, retry=RetryPolicy(max_attempts=1))
    async def stepping(run: TaskRun, cursor: int | None) -> int | None:
        await write(run, f"step {cursor}")
        if cursor == 1 and not stopping.told:
            stopping.told = True
            await asyncio.Event().wait()
        return 1 if cursor is None else None

    probe = make_application(stepping)
    task_id = await enqueue(probe, stepping)
    assert await asyncio.wait_for(Runner(probe, "ending", stopping).run(task_id), 5) is Next.GIVEN_BACK
    assert await effects() == ["step None"]
    assert await run_due_tasks(probe) == [("probe.stepping", Outcome.SUCCEEDED)]
    assert await effects() == ["step None", "step 1"]
    assert (await row(task_id))["steps"] == 1
