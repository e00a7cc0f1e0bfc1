"""While a task with a key waits or runs, enqueuing another with the same returns its id and does nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from framework.application import Application
from framework.tasks import TaskRun, cancel, task
from framework.tasks.outbox import INSERT_UNIQUE, QUEUED
from framework.tasks.testing import run_due_tasks
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


@task("probe.digest", unique=lambda user, kind: f"{user} {kind}")
async def digest(run: TaskRun, *, user: int, kind: str = "daily", note: str = "") -> None: ...


@task("probe.other", unique=lambda user: f"{user}")
async def other(run: TaskRun, *, user: int) -> None: ...


@task("probe.plain")
async def plain(run: TaskRun, *, user: int) -> None: ...


@task("probe.named", unique=lambda key: key)
async def named(run: TaskRun, *, key: str) -> None: ...


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(digest, other, plain)


async def enqueue(probe: Application, **arguments: Any) -> UUID:
    async with probe.database.unit_of_work() as session:
        return await digest.enqueue(session, **arguments)


async def keys(probe: Application) -> list[str | None]:
    async with probe.database.driver_connection() as connection:
        return [row["unique_key"] for row in await connection.fetch("SELECT unique_key FROM seamark.task ORDER BY id")]


async def test_the_second_returns_the_first(probe: Application) -> None:
    first = await enqueue(probe, user=1)
    assert await enqueue(probe, user=1, note="another") == first
    assert await keys(probe) == ["1 daily"]


async def test_also_within_one_transaction(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        assert await digest.enqueue(session, user=1) == await digest.enqueue(session, user=1)


async def test_the_key_is_made_of_what_the_arguments_mean(probe: Application) -> None:
    assert await enqueue(probe, user="1", kind="daily") == await enqueue(probe, user=1)


async def test_other_keys_and_other_tasks_are_others(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        ids = [await digest.enqueue(session, user=1), await digest.enqueue(session, user=1, kind="weekly")]
        ids += [await other.enqueue(session, user=1), await plain.enqueue(session, user=1)]
    assert len(set(ids)) == 4


async def test_once_it_is_done_the_key_is_free(probe: Application) -> None:
    first = await enqueue(probe, user=1)
    await run_due_tasks(probe)
    assert await enqueue(probe, user=1) != first


async def test_a_key_may_be_given_when_it_is_enqueued(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        ids = [await plain.configure(key="all").enqueue(session, user=user) for user in (1, 2)]
        declared = [await digest.configure(key="all").enqueue(session, user=user) for user in (1, 2)]
    assert ids == [ids[0]] * 2
    assert declared == [declared[0]] * 2


@pytest.mark.parametrize("key", ["", "x" * 501, 7])
async def test_a_key_is_text_that_an_index_can_hold(probe: Application, key: Any) -> None:
    with pytest.raises(ValueError, match=r"task probe\.plain: its key must be text of 1 to 500 characters"):
        plain.configure(key=key)
    async with probe.database.unit_of_work() as session:
        with pytest.raises(ValueError, match=r"task probe\.named: its key must be text"):
            await named.enqueue(session, key=f"{key}" * 600 if key else "")


def test_a_key_is_text_that_postgres_stores() -> None:
    with pytest.raises(ValueError, match=r"task probe\.plain: its key must be text .* none of them NUL"):
        plain.configure(key="a\0b")


async def test_many_at_once_are_written_once_each(probe: Application) -> None:
    taken = await enqueue(probe, user=2)
    async with probe.database.unit_of_work() as session:
        ids = await digest.enqueue_many(session, [{"user": user} for user in (3, 2, 1, 3)])
    assert ids[1] == taken
    assert ids[0] == ids[3]
    assert len(set(ids)) == 3
    assert sorted(filter(None, await keys(probe))) == ["1 daily", "2 daily", "3 daily"]


async def test_many_may_not_share_one_key(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        with pytest.raises(ValueError, match=r"probe\.plain: one key for many"):
            await plain.configure(key="all").enqueue_many(session, [{"user": 1}])


async def is_waiting(probe: Application) -> bool:
    async with probe.database.driver_connection() as connection:
        return bool(
            await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
        )


async def test_of_two_at_the_same_time_one_is_written(probe: Application, eventually: Eventually) -> None:
    async with probe.database.unit_of_work() as session:
        first = await digest.enqueue(session, user=1)
        second = asyncio.create_task(enqueue(probe, user=1))
        await eventually(lambda: is_waiting(probe))
    assert await second == first
    assert await keys(probe) == ["1 daily"]


async def test_when_the_first_rolls_back_the_second_is_written(probe: Application, eventually: Eventually) -> None:
    async with probe.database.unit_of_work() as session:
        first = await digest.enqueue(session, user=1)
        second = asyncio.create_task(enqueue(probe, user=1))
        await eventually(lambda: is_waiting(probe))
        await session.rollback()
    assert await second != first
    assert await keys(probe) == ["1 daily"]


async def test_many_who_enqueue_the_same_do_not_lock_each_other_out(probe: Application) -> None:
    async def many(users: list[int]) -> list[UUID]:
        async with probe.database.unit_of_work() as session:
            return await digest.enqueue_many(session, [{"user": user} for user in users])

    there, back = await asyncio.gather(many([*range(500)]), many([*reversed(range(500))]))
    assert there == back[::-1]
    assert len(await keys(probe)) == 500


async def test_nobody_waits_for_one_that_runs(make_application: Callable[..., Application]) -> None:
    running, done = asyncio.Event(), asyncio.Event()

    @task("probe.long", unique=lambda: "one")
    async def long(run: TaskRun) -> None:
        await run.session.execute(text("SELECT 1"))
        running.set()
        await done.wait()

    probe = make_application(long)
    async with probe.database.unit_of_work() as session:
        first = await long.enqueue(session)
    run = asyncio.create_task(run_due_tasks(probe))
    await running.wait()
    try:
        async with probe.database.unit_of_work() as session:
            await session.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert await long.enqueue(session) == first
            await cancel(session, first)  # neither does who cancels it
    finally:
        done.set()
        await run


async def test_one_that_ends_meanwhile_is_not_taken_for_a_waiting_one(
    probe: Application, environment: dict[str, str], eventually: Eventually
) -> None:
    """The statement that waits for its end began before it, and so would still see it queued."""
    first = await enqueue(probe, user=1)
    ending = await asyncpg.connect(environment["SM_DATABASE_URL"].replace("+asyncpg", ""))
    try:
        async with ending.transaction():
            await ending.execute("UPDATE seamark.task SET state = 'succeeded', finished_at = now()")
            second = asyncio.create_task(enqueue(probe, user=1))
            await eventually(lambda: is_waiting(probe))
    finally:
        await ending.close()
    assert await second != first
    assert await keys(probe) == ["1 daily", "1 daily"]


async def test_one_that_ends_before_it_is_looked_up_is_not_missed(
    probe: Application, environment: dict[str, str]
) -> None:
    """Its key was taken when the row was to be written, and is free when its id is asked for."""
    first = await enqueue(probe, user=1)
    ending = await asyncpg.connect(environment["SM_DATABASE_URL"].replace("+asyncpg", ""))
    statements: list[str] = []

    def end_it_first(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement == QUEUED and QUEUED not in statements:
            await_only(ending.execute("UPDATE seamark.task SET state = 'succeeded', finished_at = now()"))
        statements.append(statement)

    event.listen(probe.database.engine.sync_engine, "before_cursor_execute", end_it_first)
    try:
        assert await enqueue(probe, user=1) != first
    finally:
        await ending.close()
    assert statements == [INSERT_UNIQUE, QUEUED, INSERT_UNIQUE]


async def test_a_snapshot_that_cannot_see_the_other_fails_instead_of_looking_for_ever(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await session.execute(text("SELECT count(*) FROM seamark.task"))
        await enqueue(probe, user=1)
        with pytest.raises(DBAPIError, match="could not serialize"):
            await digest.enqueue(session, user=1)
        await session.rollback()
