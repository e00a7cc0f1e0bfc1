"""A task's session is the runner's transaction, on one connection; beside it there is one other."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application, connect
from framework.module import Module
from framework.settings import Settings
from framework.tasks import Outcome, TaskRun, task
from framework.tasks.runner import Next, Runner
from framework.tasks.tables import TaskRow
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]
Make = Callable[..., Application]
# Of this test's database: another process's tests use the same server.
END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'seamark test' AND pid <> pg_backend_pid()
"""


async def write(run: TaskRun, key: str) -> None:
    await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})


async def run_once(application: Application, declared: Any) -> tuple[UUID, Any]:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await declared.enqueue(session)
    return task_id, await Runner(application, "here").run(task_id)


async def test_what_the_orm_has_not_yet_written_is_part_of_it(make_application: Make, row: Row) -> None:
    @task("probe.changing")
    async def changing(run: TaskRun) -> None:
        own = await run.session.get_one(TaskRow, run.task_id)
        own.correlation_id = "changed"

    task_id, result = await run_once(make_application(changing), changing)
    assert result is Outcome.SUCCEEDED
    assert (await row(task_id))["correlation_id"] == "changed"


async def test_savepoints_undo_a_part(make_application: Make, effects: Effects) -> None:
    @task("probe.partly")
    async def partly(run: TaskRun) -> None:
        await write(run, "before")
        await run.session.execute(text("CREATE UNIQUE INDEX ON effect (key)"))
        with suppress(IntegrityError):
            async with run.session.begin_nested():
                await write(run, "within")
                await write(run, "before")
        await write(run, "after")

    _, result = await run_once(make_application(partly), partly)
    assert result is Outcome.SUCCEEDED
    assert await effects() == ["before", "after"]


async def test_rows_can_be_streamed(make_application: Make, effects: Effects) -> None:
    @task("probe.streaming")
    async def streaming(run: TaskRun) -> None:
        numbers = await run.session.stream_scalars(text("SELECT generate_series(1, 1000)"))
        await write(run, str(sum([number async for number in numbers])))

    await run_once(make_application(streaming), streaming)
    assert await effects() == ["500500"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_task_may_not_end_it(make_application: Make, effects: Effects, row: Row, end: str) -> None:
    @task("probe.ending")
    async def ending(run: TaskRun) -> None:
        await write(run, "effect")
        await getattr(run.session, end)()

    task_id, result = await run_once(make_application(ending), ending)
    assert result is Next.REPEATED
    assert await effects() == []
    assert "begin_nested" in (await row(task_id))["error"]["message"]


async def test_relays_are_woken_once_what_it_enqueues_is_committed(make_application: Make) -> None:
    woken: list[int] = []

    @task("probe.child")
    async def child(run: TaskRun) -> None: ...

    @task("probe.parent")
    async def parent(run: TaskRun) -> None:
        await child.enqueue(run.session)
        woken.append(len(calls))

    probe = make_application(parent, child)
    calls: list[str] = []
    async with probe.database.unit_of_work() as session:
        task_id = await parent.enqueue(session)
    probe.waker.wake = lambda: calls.append("wake")  # type: ignore[method-assign]
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert (woken, calls) == ([0], ["wake"])


async def test_nobody_is_woken_by_what_is_rolled_back(make_application: Make) -> None:
    calls: list[str] = []

    @task("probe.failing")
    async def failing(run: TaskRun) -> None:
        await failing.enqueue(run.session)
        raise RuntimeError("no")

    probe = make_application(failing)
    async with probe.database.unit_of_work() as session:
        task_id = await failing.enqueue(session)
    probe.waker.wake = lambda: calls.append("wake")  # type: ignore[method-assign]
    assert await Runner(probe, "here").run(task_id) is Next.REPEATED
    assert calls == []


async def test_connections_that_were_lost_meanwhile_cost_no_attempt(
    make_application: Make, application: Application, row: Row
) -> None:
    @task("probe.quiet")
    async def quiet(run: TaskRun) -> None: ...

    probe = make_application(quiet)
    await run_once(probe, quiet)
    async with probe.database.unit_of_work() as session:
        task_id = await quiet.enqueue(session)
    async with application.database.driver_connection() as connection:
        await connection.execute(END_ALL)
    assert await Runner(probe, "here").run(task_id) is Outcome.SUCCEEDED
    assert (await row(task_id))["attempt"] == 1


@pytest.mark.direct
@pytest.mark.parametrize("with_session", [False, True])
async def test_a_connection_that_is_lost_takes_the_effect_along(
    make_application: Make, application: Application, effects: Effects, row: Row, with_session: bool
) -> None:
    @task("probe.losing")
    async def losing(run: TaskRun) -> None:
        if with_session:
            await write(run, "effect")
        async with application.database.driver_connection() as connection:
            await connection.execute(END_ALL)

    task_id, result = await run_once(make_application(losing), losing)
    assert result is Next.REPEATED
    assert await effects() == []
    assert (await row(task_id))["state"] == "queued"


async def test_a_worker_needs_two_connections(settings: Settings, clean: None, effects_table: None) -> None:
    @task("probe.busy")
    async def busy(run: TaskRun) -> None:
        await write(run, "effect")
        await run.progress(1, 2)
        async with run.application.database.unit_of_work() as other:
            await other.execute(select(1))
        raise RuntimeError("to be recorded")

    two = settings.model_copy(update={"database_pool_size": 2, "database_pool_timeout": 0.5})
    probe = connect(two, (Module(name="probe", label="Probe", tasks=(busy,)),), "test")
    try:
        _, result = await run_once(probe, busy)
        assert result is Next.REPEATED
    finally:
        await probe.close()
