"""A row runs on one worker at a time and takes effect once; what goes wrong is kept, and tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, cancel, task
from framework.tasks.runner import Next, Runner
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]
Make = Callable[..., Application]


async def write(session: AsyncSession, key: str) -> None:
    await session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})


async def write_outcome(session: AsyncSession, outcome: Outcome) -> None:
    await write(session, outcome)


@task("probe.note", on_end=write_outcome)
async def note(run: TaskRun) -> None:
    await write(run.session, "effect")


async def enqueue(application: Application, declared: Any, **arguments: Any) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await declared.enqueue(session, **arguments)
        return task_id


async def make_due(application: Application, task_id: UUID) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(
            "UPDATE seamark.task SET available_at = now(), publish_at = now() WHERE id = $1", task_id
        )


async def test_effect_end_and_mark_are_committed_together(make_application: Make, effects: Effects, row: Row) -> None:
    probe = make_application(note)
    task_id = await enqueue(probe, note)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert await effects() == ["effect", "succeeded"]
    done = await row(task_id)
    assert (done["state"], done["attempt"], done["worker"], done["error"]) == ("succeeded", 1, "here", None)
    assert done["finished_at"] >= done["started_at"] >= done["created_at"]


async def test_of_two_workers_one_runs_it(make_application: Make, effects: Effects) -> None:
    probe = make_application(note)
    task_id = await enqueue(probe, note)
    results = await asyncio.gather(*(Runner(probe, name).run(task_id) for name in ("one", "other")))
    assert set(results) == {Outcome.SUCCEEDED, Next.ELSEWHERE}
    assert await Runner(probe, "late").run(task_id) is Next.ELSEWHERE
    assert await effects() == ["effect", "succeeded"]


async def test_a_failure_leaves_no_effect_and_is_tried_again_later(
    make_application: Make, effects: Effects, row: Row
) -> None:
    @task("probe.flaky", on_end=write_outcome, retry=RetryPolicy(base=timedelta(days=1), cap=timedelta(days=1)))
    async def flaky(run: TaskRun) -> None:
        await write(run.session, f"attempt {run.attempt}")
        if run.attempt == 1:
            raise ConnectionResetError("the mail server hung up")

    probe = make_application(flaky)
    task_id = await enqueue(probe, flaky)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    assert await effects() == []
    failed = await row(task_id)
    assert failed["state"] == "queued"
    assert failed["available_at"] == failed["publish_at"] > datetime.now(UTC)
    assert await Runner(probe, "too early").run(task_id) is Next.ELSEWHERE
    await make_due(probe, task_id)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert await effects() == ["attempt 2", "succeeded"]
    assert (await row(task_id))["error"]["message"] == "the mail server hung up"


async def test_after_the_last_attempt_it_has_failed(make_application: Make, effects: Effects, row: Row) -> None:
    @task("probe.broken", retry=RetryPolicy(max_attempts=2), on_end=write_outcome)
    async def broken(run: TaskRun) -> None:
        raise ValueError("never works")

    probe = make_application(broken)
    task_id = await enqueue(probe, broken)
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    await make_due(probe, task_id)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    assert await effects() == ["failed"]
    failed = await row(task_id)
    assert failed["state"] == "failed"
    assert failed["finished_at"] is not None
    assert "in broken" in failed["error"]["traceback"]


async def test_attempts_that_ended_their_process_count(make_application: Make, effects: Effects, row: Row) -> None:
    probe = make_application(note)
    task_id = await enqueue(probe, note)
    async with probe.database.driver_connection() as connection:
        await connection.execute("INSERT INTO seamark.task_signal (task_id, attempt) VALUES ($1, 3)", task_id)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    assert await effects() == ["failed"]
    assert (await row(task_id))["error"]["type"].endswith("LostWorkerError")


async def test_what_is_kept_of_an_error_holds_no_values(make_application: Make, row: Row) -> None:
    secret = uuid4().hex

    @task("probe.duplicate", retry=RetryPolicy(max_attempts=1))
    async def duplicate(run: TaskRun) -> None:
        await run.session.execute(text("CREATE TEMP TABLE t (v text PRIMARY KEY) ON COMMIT DROP"))
        for _ in range(2):
            await run.session.execute(text("INSERT INTO t VALUES (:v)"), {"v": secret})

    probe = make_application(duplicate)
    task_id = await enqueue(probe, duplicate)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    error = str((await row(task_id))["error"])
    assert "duplicate key value violates unique constraint" in error
    assert secret not in error


async def test_arguments_of_another_release_fail_without_being_shown(make_application: Make, row: Row) -> None:
    @task("probe.strict", retry=RetryPolicy(max_attempts=1))
    async def strict(run: TaskRun, *, number: int) -> None: ...

    probe = make_application(strict)
    task_id = await enqueue(probe, strict, number=1)
    async with probe.database.driver_connection() as connection:
        await connection.execute("""UPDATE seamark.task SET args = '{"number": "hunter2"}' WHERE id = $1""", task_id)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    error = str((await row(task_id))["error"])
    assert "number: Input should be a valid integer" in error
    assert "hunter2" not in error


async def test_it_is_cancelled_where_it_awaits_after_the_soft_limit(make_application: Make, row: Row) -> None:
    reached: list[str] = []

    @task("probe.slow", soft_limit=0.05, retry=RetryPolicy(max_attempts=1))
    async def slow(run: TaskRun) -> None:
        await asyncio.Event().wait()
        reached.append("the end")

    probe = make_application(slow)
    task_id = await enqueue(probe, slow)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    error = (await row(task_id))["error"]
    assert error["type"].endswith("SoftLimitError")
    assert "await asyncio.Event().wait()" in error["traceback"]
    assert reached == []


async def test_it_fails_in_time_in_the_middle_of_a_statement(make_application: Make, row: Row) -> None:
    @task("probe.sleeping", soft_limit=0.2, retry=RetryPolicy(max_attempts=1))
    async def sleeping(run: TaskRun) -> None:
        await run.session.execute(text("SELECT pg_sleep(30)"))

    probe = make_application(sleeping)
    task_id = await enqueue(probe, sleeping)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    assert (await row(task_id))["error"]["type"].endswith("SoftLimitError")


async def test_one_that_waits_is_cancelled_before_it_begins(make_application: Make, effects: Effects, row: Row) -> None:
    probe = make_application(note)
    task_id = await enqueue(probe, note)
    async with probe.database.unit_of_work() as session:
        await cancel(session, task_id)
    assert await run_due_tasks(probe) == [("probe.note", Outcome.CANCELLED)]
    assert await effects() == ["cancelled"]
    assert (await row(task_id))["state"] == "cancelled"


async def test_one_that_runs_is_cancelled_by_its_heartbeat(make_application: Make, effects: Effects, row: Row) -> None:
    running = asyncio.Event()

    @task("probe.endless", on_end=write_outcome)
    async def endless(run: TaskRun) -> None:
        await write(run.session, "effect")
        running.set()
        await asyncio.Event().wait()

    probe = make_application(endless)
    task_id = await enqueue(probe, endless)
    run = asyncio.create_task(Runner(probe, "here").run(task_id))
    await asyncio.wait_for(running.wait(), 5)
    async with probe.database.unit_of_work() as session:
        await cancel(session, task_id)
    assert await asyncio.wait_for(run, 5) is Outcome.CANCELLED
    assert await effects() == ["cancelled"]
    assert (await row(task_id))["error"] is None


async def test_progress_is_seen_before_the_commit(make_application: Make, row: Row) -> None:
    shown, seen = asyncio.Event(), asyncio.Event()

    @task("probe.counting")
    async def counting(run: TaskRun) -> None:
        await run.progress(1, 10, "begun")
        shown.set()
        await seen.wait()
        await run.progress(10)

    probe = make_application(counting)
    task_id = await enqueue(probe, counting)
    run = asyncio.create_task(Runner(probe, "here").run(task_id))
    await asyncio.wait_for(shown.wait(), 5)
    now = await row(task_id)
    assert (now["state"], now["done"], now["total"], now["note"]) == ("queued", 1, 10, "begun")
    seen.set()
    assert await run is Outcome.SUCCEEDED
    assert (await row(task_id))["done"] == 10


async def test_a_task_that_cannot_be_told_its_end_ends_all_the_same(make_application: Make, row: Row) -> None:
    async def refuse(session: AsyncSession, outcome: Outcome) -> None:
        raise RuntimeError(f"not {outcome}")

    @task("probe.untellable", on_end=refuse, retry=RetryPolicy(max_attempts=1))
    async def untellable(run: TaskRun) -> None: ...

    probe = make_application(untellable)
    task_id = await enqueue(probe, untellable)
    assert await Runner(probe, "here").run(task_id) is Outcome.FAILED
    assert (await row(task_id))["state"] == "failed"


async def test_a_task_whose_end_hangs_ends_all_the_same(make_application: Make, row: Row) -> None:
    async def hang(session: AsyncSession, outcome: Outcome) -> None:
        await asyncio.Event().wait()

    @task("probe.hanging", on_end=hang, soft_limit=0.1, retry=RetryPolicy(max_attempts=1))
    async def hanging(run: TaskRun) -> None: ...

    probe = make_application(hanging)
    task_id = await enqueue(probe, hanging)
    assert await asyncio.wait_for(Runner(probe, "here").run(task_id), 5) is Outcome.FAILED
    assert (await row(task_id))["error"]["type"] == "TimeoutError"


async def test_a_dead_letter_is_told_by_a_name_that_stays(make_application: Make, logged: list[Any]) -> None:
    @task("probe.dying", retry=RetryPolicy(max_attempts=1))
    async def dying(run: TaskRun) -> None:
        raise OSError("refused")

    probe = make_application(dying)
    task_id = await enqueue(probe, dying)
    await Runner(probe, "here").run(task_id)
    [told] = [entry for entry in logged if entry["event"] == "dead letter"]
    assert (told["log_level"], told["task"], told["task_id"]) == ("error", "probe.dying", str(task_id))


async def test_a_name_that_no_module_knows_is_left_alone(make_application: Make, effects: Effects, row: Row) -> None:
    task_id = await enqueue(make_application(note), note)
    assert await Runner(make_application(), "older release").run(task_id) is Next.PARKED
    waiting = await row(task_id)
    assert (waiting["state"], waiting["attempt"]) == ("queued", None)
    assert await Runner(make_application(note), "newer release").run(task_id) is Outcome.SUCCEEDED
