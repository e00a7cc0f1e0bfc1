"""Every attempt that did not succeed is kept: what it raised, or that its process went away."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application
from framework.tasks import Outcome, RetryLater, RetryPolicy, TaskRun, cancel, step_task, task
from framework.tasks.runner import Next, Runner
from sqlalchemy import text

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Make = Callable[..., Application]
FAILURES = "SELECT * FROM seamark.task_failure WHERE task_id = $1 ORDER BY attempt"
# As a process leaves it that is killed in the middle of an attempt: counted, with a heartbeat, and its row unlocked.
KILLED = """
INSERT INTO seamark.task_signal AS s (task_id, attempt, worker, started_at, heartbeat_at)
VALUES ($1, 1, 'killed', now(), now())
ON CONFLICT (task_id) DO UPDATE SET attempt = s.attempt + 1, worker = 'killed', started_at = now(), heartbeat_at = now()
"""
# What the server is told to do with a commit, seen from inside of the statement that counts an attempt.
WATCH_COMMITS = """
CREATE FUNCTION seamark.watch_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO effect VALUES (NEW.attempt || ' ' || current_setting('synchronous_commit')); RETURN NEW;
END $$;
CREATE TRIGGER watch_commit BEFORE INSERT ON seamark.task_signal FOR EACH ROW EXECUTE FUNCTION seamark.watch_commit();
"""
UNWATCH = "DROP TRIGGER watch_commit ON seamark.task_signal; DROP FUNCTION seamark.watch_commit()"


@task("probe.twice", retry=RetryPolicy(max_attempts=3, base=timedelta(0)))
async def twice(run: TaskRun) -> None:
    if run.attempt < 3:
        raise OSError(f"refused {run.attempt}")


@task("probe.plain", retry=RetryPolicy(max_attempts=2))
async def plain(run: TaskRun) -> None: ...


async def enqueue(application: Application, declared: Any) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await declared.enqueue(session)
        return task_id


async def execute(application: Application, statement: str, *values: Any) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(statement, *values)


async def failures(application: Application, task_id: UUID) -> list[dict[str, Any]]:
    async with application.database.driver_connection() as connection:
        return [dict(record) for record in await connection.fetch(FAILURES, task_id)]


async def test_each_attempt_that_raised_is_kept(make_application: Make, row: Row) -> None:
    probe = make_application(twice)
    task_id = await enqueue(probe, twice)
    results = [await Runner(probe, f"worker {number}").run(task_id) for number in (1, 2, 3)]
    assert results == [Next.REPEATED, Next.REPEATED, Outcome.SUCCEEDED]
    kept = await failures(probe, task_id)
    assert [(item["attempt"], item["worker"], item["error"]["message"]) for item in kept] == [
        (1, "worker 1", "refused 1"),
        (2, "worker 2", "refused 2"),
    ]
    assert all(item["started_at"] <= item["ended_at"] for item in kept)
    assert (await row(task_id))["attempt"] == 3


async def test_one_that_succeeds_at_once_leaves_none(make_application: Make) -> None:
    probe = make_application(plain)
    task_id = await enqueue(probe, plain)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert await failures(probe, task_id) == []


async def test_the_next_start_keeps_that_a_process_went_away(make_application: Make, row: Row) -> None:
    probe = make_application(plain)
    task_id = await enqueue(probe, plain)
    await execute(probe, KILLED, task_id)
    seen = (await row(task_id))["heartbeat_at"]
    assert await Runner(probe, "next").run(task_id) is Outcome.SUCCEEDED
    (lost,) = await failures(probe, task_id)
    assert (lost["attempt"], lost["worker"], lost["ended_at"]) == (1, "killed", seen)
    assert lost["error"]["type"].endswith("LostWorkerError")
    assert (await row(task_id))["attempt"] == 2


async def test_one_that_kills_its_process_is_given_up(make_application: Make, row: Row) -> None:
    probe = make_application(plain)
    task_id = await enqueue(probe, plain)
    for _ in range(2):
        await execute(probe, KILLED, task_id)
    assert await Runner(probe, "next").run(task_id) is Outcome.FAILED
    ended = await row(task_id)
    assert (ended["attempt"], ended["heartbeat_at"]) == (2, None)
    assert [item["attempt"] for item in await failures(probe, task_id)] == [2]


async def test_no_attempt_that_came_to_its_end_counts_as_lost(make_application: Make, row: Row) -> None:
    probe = make_application(twice)
    task_id = await enqueue(probe, twice)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    assert (await row(task_id))["heartbeat_at"] is None


async def test_one_cancelled_while_its_process_was_killed_does_not_run(make_application: Make, row: Row) -> None:
    probe = make_application(plain)
    task_id = await enqueue(probe, plain)
    await execute(probe, KILLED, task_id)
    async with probe.database.unit_of_work() as session:
        await cancel(session, task_id)
    assert await Runner(probe, "next").run(task_id) is Outcome.CANCELLED
    assert (await row(task_id))["attempt"] == 1
    assert [item["worker"] for item in await failures(probe, task_id)] == ["killed"]


async def test_one_cancelled_while_it_fails_is_not_tried_again(make_application: Make, row: Row) -> None:
    @task("probe.failing", retry=RetryPolicy(base=timedelta(days=1), cap=timedelta(days=1)))
    async def failing(run: TaskRun) -> None:
        async with run.application.database.unit_of_work() as session:
            await cancel(session, run.task_id)
        raise OSError("refused")

    probe = make_application(failing)
    task_id = await enqueue(probe, failing)
    assert await Runner(probe, "here").run(task_id) is Outcome.CANCELLED
    assert (await row(task_id))["state"] == "cancelled"
    assert [item["error"]["message"] for item in await failures(probe, task_id)] == ["refused"]


async def test_one_that_awaits_what_was_cancelled_has_failed(make_application: Make) -> None:
    @task("probe.awaiting")
    async def awaiting(run: TaskRun) -> None:
        other = asyncio.create_task(asyncio.Event().wait())
        other.cancel()
        await other

    probe = make_application(awaiting)
    task_id = await enqueue(probe, awaiting)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    [failure] = await failures(probe, task_id)
    assert failure["error"]["message"] == "It awaited something that was cancelled"


async def test_a_task_says_itself_when_it_runs_again(make_application: Make, row: Row) -> None:
    @task("probe.limited")
    async def limited(run: TaskRun) -> None:
        raise RetryLater(timedelta(hours=1))

    probe = make_application(limited)
    task_id = await enqueue(probe, limited)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    wait = (await row(task_id))["available_at"] - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


async def test_what_reaches_outside_is_handed_one_key_for_all_attempts(make_application: Make) -> None:
    keys: list[str] = []

    @step_task("probe.mailing", cursor=int, external=True, retry=RetryPolicy(base=timedelta(0)))
    async def mailing(run: TaskRun, cursor: int | None) -> int | None:
        keys.append(run.idempotency_key)
        if len(keys) in (1, 3):
            raise ConnectionResetError("was it sent?")
        return None if cursor else 1

    probe = make_application(mailing)
    task_id = await enqueue(probe, mailing)
    while await Runner(probe, "here").run(task_id) is Next.REPEATED:
        pass
    first, again, second, once_more = keys
    assert first == again == str(task_id)
    assert second == once_more != first


@pytest.mark.direct
@pytest.mark.parametrize(("external", "expected"), [(False, "1 off"), (True, "1 on")])
async def test_only_an_attempt_that_reaches_outside_waits_for_the_disk(
    make_application: Make, effects: Callable[[], Awaitable[list[str]]], external: bool, expected: str
) -> None:
    @task("probe.mail", external=external)
    async def mail(run: TaskRun) -> None: ...

    probe = make_application(mail)
    async with probe.database.unit_of_work() as session:
        database = await session.scalar(text("SELECT current_database()"))
    # What is tested is a server that is durable, as this one is not.
    await execute(probe, f'ALTER DATABASE "{database}" SET synchronous_commit = on')
    await execute(probe, WATCH_COMMITS)
    try:
        task_id = await enqueue(probe, mail)
        fresh = make_application(mail)
        assert await Runner(fresh, "here").run(task_id) is Outcome.SUCCEEDED
        assert await effects() == [expected]
    finally:
        await execute(probe, UNWATCH)
        await execute(probe, f'ALTER DATABASE "{database}" RESET synchronous_commit')
