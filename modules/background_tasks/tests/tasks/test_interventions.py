"""A dead letter is given another chance, one or all of a kind; a task is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, cancel, step_task, task
from framework.tasks.attempt import Next
from framework.tasks.interventions import KeyTakenError, retry, retry_failed
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]
TWICE = RetryPolicy(max_attempts=2, base=timedelta(0))


class Fault:
    """While it is set, the tasks here fail."""

    is_set = True


@pytest.fixture(autouse=True)
def fault() -> Fault:
    Fault.is_set = True
    return Fault()


@task("probe.mail", retry=TWICE, unique=lambda user: f"{user}")
async def mail(run: TaskRun, *, user: int) -> None:
    if Fault.is_set:
        raise RuntimeError("no connection")
    await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": f"mail {user}"})


@task("probe.report", retry=TWICE)
async def report(run: TaskRun, *, user: int) -> None:
    raise RuntimeError("no paper")


@step_task("probe.count", cursor=int, retry=TWICE)
async def count(run: TaskRun, cursor: int | None) -> int | None:
    step = (cursor or 0) + 1
    if step == 3 and Fault.is_set:
        raise RuntimeError("stumbled")
    await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": f"step {step}"})
    return step if step < 4 else None


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(mail, report, count)


async def dead(probe: Application, *users: int) -> list[UUID]:
    async with probe.database.unit_of_work() as session:
        ids = await mail.enqueue_many(session, [{"user": user} for user in users])
    ran = await run_due_tasks(probe)
    assert [result for _, result in ran].count(Outcome.FAILED) == len(users)
    return ids


async def test_a_dead_letter_has_all_its_attempts_anew(probe: Application, row: Row) -> None:
    [task_id] = await dead(probe, 1)
    async with probe.database.unit_of_work() as session:
        assert await retry(session, task_id)
    again = await row(task_id)
    assert (again["state"], again["finished_at"], again["step_attempt"]) == ("queued", None, 2)
    assert again["error"]["message"] == "no connection"  # until something newer is known
    assert await run_due_tasks(probe) == [("probe.mail", Next.REPEATED), ("probe.mail", Outcome.FAILED)]
    assert (await row(task_id))["attempt"] == 4


async def test_it_goes_on_after_its_last_step(probe: Application, fault: Fault, effects: Effects) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await count.enqueue(session)
    await run_due_tasks(probe)
    fault.__class__.is_set = False
    async with probe.database.unit_of_work() as session:
        assert await retry(session, task_id)
    assert await run_due_tasks(probe) == [("probe.count", Outcome.SUCCEEDED)]
    assert await effects() == ["step 1", "step 2", "step 3", "step 4"]


async def test_what_was_cancelled_may_run_after_all(
    probe: Application, fault: Fault, effects: Effects, row: Row
) -> None:
    fault.__class__.is_set = False
    async with probe.database.unit_of_work() as session:
        task_id = await mail.configure(delay=timedelta(hours=1)).enqueue(session, user=1)
        await cancel(session, task_id)
    assert await run_due_tasks(probe) == [("probe.mail", Outcome.CANCELLED)]
    async with probe.database.unit_of_work() as session:
        assert await retry(session, task_id)
    assert (await row(task_id))["cancel_requested_at"] is None
    assert await run_due_tasks(probe) == [("probe.mail", Outcome.SUCCEEDED)]
    assert await effects() == ["mail 1"]


async def test_what_waits_or_has_succeeded_is_left_alone(probe: Application, fault: Fault) -> None:
    fault.__class__.is_set = False
    async with probe.database.unit_of_work() as session:
        task_id = await mail.enqueue(session, user=1)
        assert not await retry(session, task_id)
    await run_due_tasks(probe)
    async with probe.database.unit_of_work() as session:
        assert not await retry(session, task_id)
        assert not await retry(session, UUID(int=0))


async def test_a_key_that_is_taken_meanwhile_is_told(probe: Application, row: Row) -> None:
    [task_id] = await dead(probe, 1)
    async with probe.database.unit_of_work() as session:
        waiting = await mail.enqueue(session, user=1)
        with pytest.raises(KeyTakenError):
            await retry(session, task_id)
        await cancel(session, waiting)  # the session can still be used
    assert (await row(task_id))["state"] == "failed"
    assert (await row(waiting))["cancel_requested"]


async def test_all_of_a_kind_at_once(probe: Application, fault: Fault, effects: Effects) -> None:
    await dead(probe, 1, 2, 3)
    async with probe.database.unit_of_work() as session:
        await report.enqueue(session, user=1)
    await run_due_tasks(probe)
    fault.__class__.is_set = False
    async with probe.database.unit_of_work() as session:
        assert await retry_failed(session, "probe.mail", limit=2) == 2
        assert await retry_failed(session, "probe.mail") == 1
        assert await retry_failed(session, "probe.mail") == 0
    assert await run_due_tasks(probe) == [("probe.mail", Outcome.SUCCEEDED)] * 3
    assert await effects() == ["mail 1", "mail 2", "mail 3"]


async def test_of_one_key_the_latest_and_none_that_is_taken(probe: Application, row: Row) -> None:
    older, taken = await dead(probe, 1, 2)
    [latest] = await dead(probe, 1)
    async with probe.database.unit_of_work() as session:
        await mail.enqueue(session, user=2)
        assert await retry_failed(session, "probe.mail") == 1
    assert [(await row(task_id))["state"] for task_id in (older, taken, latest)] == ["failed", "failed", "queued"]


async def test_of_tasks_in_order_one_runs_at_a_time(probe: Application, row: Row) -> None:
    first, second, third = await dead(probe, 1, 2, 3)
    async with probe.database.unit_of_work() as session:
        await session.execute(
            text("UPDATE seamark.task SET order_key = 'a', order_seq = args['user']::int, unique_key = NULL")
        )
        assert await retry(session, second)
        assert await retry_failed(session, "probe.mail") == 2
    waits = [(await row(task_id))["publish_at"].year > 9000 for task_id in (first, second, third)]
    assert waits == [True, False, True]


async def test_in_order_none_waits_for_one_that_succeeded_meanwhile(
    probe: Application, row: Row, eventually: Callable[..., Awaitable[Any]]
) -> None:
    first, second = await dead(probe, 1, 2)

    async def waits() -> bool:
        async with probe.database.driver_connection() as connection:
            return await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")  # type: ignore[no-any-return]

    async def retry_all() -> int:
        async with probe.database.unit_of_work() as session:
            return await retry_failed(session, "probe.mail")

    async with probe.database.unit_of_work() as session:
        await session.execute(
            text("UPDATE seamark.task SET order_key = 'a', order_seq = args['user']::int, unique_key = NULL")
        )
    async with probe.database.unit_of_work() as somebody:
        await somebody.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('probe.mail' || chr(31) || 'a', 0))")
        )
        retrying = asyncio.create_task(retry_all())
        await eventually(waits)
        # Somebody else had it run again, and it did.
        await somebody.execute(text("UPDATE seamark.task SET state = 'succeeded' WHERE id = :id"), {"id": first})
    assert await retrying == 1
    assert (await row(second))["publish_at"].year < 9000


async def test_the_first_wish_to_cancel_counts(probe: Application, row: Row) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await mail.enqueue(session, user=1)
        await cancel(session, task_id)
    asked_at = (await row(task_id))["cancel_requested_at"]
    async with probe.database.unit_of_work() as session:
        await cancel(session, task_id)
    assert asked_at is not None
    assert (await row(task_id))["cancel_requested_at"] == asked_at


async def test_what_has_ended_is_not_marked(probe: Application, row: Row) -> None:
    [task_id] = await dead(probe, 1)
    async with probe.database.unit_of_work() as session:
        await cancel(session, task_id)
    assert not (await row(task_id))["cancel_requested"]
