"""Enqueuing is a row in the caller's transaction, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from framework.application import Application
from framework.correlation import bound
from framework.tasks import Outcome, Priority, TaskRun, task
from framework.tasks.arguments import ArgumentsError
from framework.tasks.outbox import INSERT
from framework.tasks.testing import run_due_tasks
from framework.tasks.wake import CHANNEL
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

KEY = uuid4()
Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Effects = Callable[[], Awaitable[list[str]]]


@task("probe.note")
async def note(run: TaskRun, *, key: UUID, times: int = 1) -> None:
    for _ in range(times):
        await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": str(key)})


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(note)


async def test_what_is_committed_runs(probe: Application, effects: Effects) -> None:
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY, times=2)
    assert await run_due_tasks(probe) == [("probe.note", Outcome.SUCCEEDED)]
    assert await effects() == [str(KEY), str(KEY)]


async def test_what_is_rolled_back_never_runs(probe: Application, effects: Effects) -> None:
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY)
        await session.rollback()
    assert await run_due_tasks(probe) == []
    assert await effects() == []


@pytest.fixture
def statements(probe: Application) -> list[str]:
    """What the sessions of ``probe`` have asked of Postgres."""
    asked: list[str] = []
    event.listen(
        probe.database.engine.sync_engine, "before_cursor_execute", lambda *args: asked.append(args[2]), named=False
    )
    return asked


async def test_it_costs_one_statement(probe: Application, statements: list[str]) -> None:
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY)
    assert statements == [INSERT]


async def test_so_do_many(probe: Application, statements: list[str], effects: Effects) -> None:
    keys = [uuid4() for _ in range(50)]
    async with probe.database.unit_of_work() as session:
        ids = await note.enqueue_many(session, [{"key": key} for key in keys])
    assert statements == [INSERT]
    assert len(set(ids)) == 50
    await run_due_tasks(probe)
    assert sorted(await effects()) == sorted(map(str, keys))


async def test_and_none_costs_nothing(probe: Application, statements: list[str]) -> None:
    async with probe.database.unit_of_work() as session:
        assert await note.enqueue_many(session, []) == []
    assert statements == []


async def test_one_that_is_wrong_among_many_stops_all(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        with pytest.raises(ArgumentsError, match=r"task probe\.note: key: Field required"):
            await note.enqueue_many(session, [{"key": KEY}, {}])
    assert await run_due_tasks(probe) == []


async def test_positional_arguments_are_refused(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        with pytest.raises(TypeError, match=r"task probe\.note: pass arguments by name"):
            await note.enqueue(session, KEY)  # type: ignore[call-arg]


async def test_a_delayed_one_waits(probe: Application, row: Row) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await note.configure(delay=timedelta(hours=1)).enqueue(session, key=KEY)
    waiting = await row(task_id)
    assert waiting["available_at"] - waiting["created_at"] == timedelta(hours=1)
    assert waiting["publish_at"] == waiting["available_at"]
    assert await run_due_tasks(probe) == []


async def test_one_for_a_time_waits_for_it(probe: Application, row: Row) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with probe.database.unit_of_work() as session:
        [task_id] = await note.configure(at=tomorrow).enqueue_many(session, [{"key": KEY}])
    assert (await row(task_id))["available_at"] == tomorrow
    assert await run_due_tasks(probe) == []


@pytest.mark.parametrize("when", [{"at": datetime(2020, 1, 1, tzinfo=UTC)}, {"delay": timedelta(hours=-1)}])
async def test_what_is_past_means_now(probe: Application, row: Row, when: dict[str, Any]) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await note.configure(**when).enqueue(session, key=KEY)
    written = await row(task_id)
    assert written["available_at"] == written["created_at"]
    assert await run_due_tasks(probe) == [("probe.note", Outcome.SUCCEEDED)]


async def test_the_urgent_goes_first(make_application: Callable[..., Application], effects: Effects) -> None:
    @task("probe.low", priority=Priority.LOW, retention=timedelta(days=3))
    async def low(run: TaskRun, *, key: str) -> None:
        await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})
        if key == "first":
            await low.configure(priority=Priority.HIGH).enqueue(run.session, key="urgent")

    probe = make_application(low)
    async with probe.database.unit_of_work() as session:
        await low.enqueue(session, key="last")
        await low.configure(priority=Priority.NORMAL).enqueue(session, key="second")
        await low.configure(priority=Priority.HIGH).enqueue(session, key="first")
    await run_due_tasks(probe)
    assert await effects() == ["first", "urgent", "second", "last"]


async def test_the_row_says_what_was_declared(make_application: Callable[..., Application]) -> None:
    @task("probe.report", queue="reports", priority=Priority.LOW, retention=timedelta(days=3))
    async def report(run: TaskRun) -> None: ...

    probe = make_application(report)
    async with probe.database.unit_of_work() as session:
        written = await row_of(session, await report.enqueue(session))
    assert written == ("probe.report", "reports", Priority.LOW, timedelta(days=3), "queued")


async def row_of(session: AsyncSession, task_id: UUID) -> tuple[Any, ...]:
    columns = text("SELECT name, queue, priority, retention, state FROM seamark.task WHERE id = :id")
    return tuple((await session.execute(columns, {"id": task_id})).one())


async def test_the_row_carries_the_correlation_id(probe: Application, row: Row) -> None:
    with bound("0123456789abcdef"):
        async with probe.database.unit_of_work() as session:
            task_id = await note.enqueue(session, key=KEY)
    assert (await row(task_id))["correlation_id"] == "0123456789abcdef"


@pytest.fixture
async def woken(environment: dict[str, str]) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """How often relays were woken so far."""
    direct = environment.get("SM_DATABASE_DIRECT_URL", environment["SM_DATABASE_URL"])
    listener = await asyncpg.connect(direct.replace("+asyncpg", ""))
    notices: list[str] = []
    await listener.add_listener(CHANNEL, lambda *args: notices.append(args[2]))

    async def count() -> int:
        await listener.execute("SELECT 1")  # what was sent before this has arrived after it
        return len(notices)

    yield count
    await listener.close()


async def test_relays_are_woken_after_the_commit(probe: Application, woken: Callable[[], Awaitable[int]]) -> None:
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY)
        assert await woken() == 0
    await probe.waker.flush()
    assert await woken() == 1


async def test_many_wishes_wake_them_once(probe: Application, woken: Callable[[], Awaitable[int]]) -> None:
    for _ in range(100):
        probe.waker.wake()
    await probe.waker.close()
    assert await woken() == 1


async def test_a_rollback_wakes_nobody(probe: Application, woken: Callable[[], Awaitable[int]]) -> None:
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY)
        await session.rollback()
    await probe.waker.close()
    assert await woken() == 0
