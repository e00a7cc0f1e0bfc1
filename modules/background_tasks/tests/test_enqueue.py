"""Enqueuing is a row in the caller's transaction, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from framework.application import Application
from framework.correlation import bound
from framework.tasks import Outcome, TaskRun, task
from framework.tasks.testing import run_due_tasks
from framework.tasks.wake import CHANNEL
from sqlalchemy import event, text

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


async def test_it_costs_one_statement(probe: Application) -> None:
    statements: list[str] = []
    event.listen(
        probe.database.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
        named=False,
    )
    async with probe.database.unit_of_work() as session:
        await note.enqueue(session, key=KEY)
    assert len(statements) == 1
    assert statements[0].split()[:3] == ["INSERT", "INTO", "seamark.task"]


async def test_the_row_carries_the_correlation_id(probe: Application, row: Row) -> None:
    with bound("0123456789abcdef"):
        async with probe.database.unit_of_work() as session:
            task_id = await note.enqueue(session, key=KEY)
    assert (await row(task_id))["correlation_id"] == "0123456789abcdef"


@pytest.fixture
async def woken(environment: dict[str, str]) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """How often relays were woken so far."""
    listener = await asyncpg.connect(environment["SM_DATABASE_URL"].replace("+asyncpg", ""))
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
