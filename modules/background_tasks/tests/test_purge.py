"""What has ended is forgotten in time, with all that was kept of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from background_tasks import purge as purging
from background_tasks.module import module
from background_tasks.purge import START, Keeping, Place, count, purge, purge_history, purge_keys
from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks

type Age = Callable[[UUID, str], Awaitable[None]]


@task("probe.nothing")
async def nothing(run: TaskRun) -> None: ...


@task("probe.brief", retention=timedelta(hours=1))
async def brief(run: TaskRun) -> None: ...


@task("probe.broken", retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    raise ValueError("the disk is full")


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing, brief, broken, purge_history, purge_keys)


async def done(application: Application, what: Any) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await what.enqueue(session)
    await run_due_tasks(application)
    return task_id


@pytest.fixture
def ended(probe: Application) -> Age:
    """``await ended(task_id, "31 days")``: make it as if it had ended so long ago."""

    async def ended(task_id: UUID, ago: str) -> None:
        async with probe.database.driver_connection() as connection:
            statement = "UPDATE seamark.task SET finished_at = now() - $2::text::interval WHERE id = $1"
            await connection.execute(statement, task_id, ago)

    return ended


async def purged(application: Application) -> None:
    async with application.database.unit_of_work() as session:
        await purge_history.enqueue(session)
    assert await run_due_tasks(application) == [("background_tasks.purge_history", Outcome.SUCCEEDED)]


async def left(application: Application, table: str = "task", column: str = "id") -> set[UUID]:
    async with application.database.driver_connection() as connection:
        rows = await connection.fetch(f"SELECT {column} FROM seamark.{table}")
        return {row[0] for row in rows}


async def test_what_succeeded_is_kept_for_a_month_and_a_dead_letter_for_three(probe: Application, ended: Age) -> None:
    ages = {"29 days": nothing, "31 days": nothing, "32 days": broken, "91 days": broken}
    ids = {age: await done(probe, what) for age, what in ages.items()}
    for age, task_id in ids.items():
        await ended(task_id, age)
    await purged(probe)
    kept = await left(probe)
    assert {age for age, task_id in ids.items() if task_id in kept} == {"29 days", "32 days"}


async def test_what_the_declaration_says_goes_before(probe: Application, ended: Age) -> None:
    ids = [await done(probe, what) for what in (brief, nothing)]
    for task_id in ids:
        await ended(task_id, "2 hours")
    await purged(probe)
    assert ids[0] not in await left(probe)
    assert ids[1] in await left(probe)


async def test_nothing_of_it_is_left(probe: Application, ended: Age) -> None:
    gone, stays = await done(probe, broken), await done(probe, broken)
    async with probe.database.driver_connection() as connection:
        for task_id in (gone, stays):
            await connection.execute(
                "INSERT INTO seamark.task_log (task_id, attempt, at, level, event, fields) "
                "VALUES ($1, 1, now(), 'info', 'here', '{}')",
                task_id,
            )
    await ended(gone, "100 days")
    await purged(probe)
    for table in ("task_signal", "task_failure", "task_log"):
        assert gone not in await left(probe, table, "task_id"), table
        assert stays in await left(probe, table, "task_id"), table


async def test_what_waits_stays_however_old_it_is(probe: Application) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await nothing.configure(delay=timedelta(days=1)).enqueue(session)
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET created_at = now() - interval '1 year'")
    await purged(probe)
    assert task_id in await left(probe)


async def test_a_schedules_slot_stays_a_day_so_that_no_beat_writes_it_again(probe: Application, ended: Age) -> None:
    task_id = await done(probe, brief)
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET schedule = 'probe.brief', due_at = now()")
    await ended(task_id, "23 hours")
    await purged(probe)
    assert task_id in await left(probe)
    await ended(task_id, "25 hours")
    await purged(probe)
    assert task_id not in await left(probe)


async def test_each_transaction_judges_a_few_and_all_have_their_turn(
    probe: Application, ended: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with probe.database.driver_connection() as connection:
        await connection.execute(
            "INSERT INTO seamark.task (id, name, queue, args, correlation_id, state, finished_at) "
            "SELECT gen_random_uuid(), 'probe.nothing', 'default', '{}', '', 'succeeded', now() - i * interval '1 day' "
            "FROM generate_series(1, 2500) AS i"
        )
    keeping = Keeping(others=timedelta(days=1000.5), dead_letters=None, own=False)
    async with probe.database.unit_of_work() as session:
        assert await count(session, keeping) == 1500
    gone: list[int] = []
    place: Place | None = START
    while place is not None:
        async with probe.database.unit_of_work() as session:
            number, place = await purge(session, keeping, place)
            gone.append(number)
    assert gone == [1000, 500, 0]
    assert len(await left(probe)) == 1000


async def test_dead_letters_may_be_kept_for_ever(probe: Application, ended: Age) -> None:
    await ended(await done(probe, broken), "1000 days")
    async with probe.database.unit_of_work() as session:
        assert await count(session, Keeping(others=timedelta(days=1), dead_letters=None, own=True)) == 0


async def test_expired_idempotency_keys_go_batch_by_batch(probe: Application) -> None:
    async with probe.database.driver_connection() as connection:
        for number, expires in ((2500, timedelta(0)), (7, timedelta(hours=1))):
            await connection.execute(
                "INSERT INTO seamark.idempotency_key (user_id, key, fingerprint, expires_at) "
                "SELECT gen_random_uuid(), 'k', 'f', now() + $2 FROM generate_series(1, $1::integer)",
                number,
                expires,
            )
    async with probe.database.unit_of_work() as session:
        await purge_keys.enqueue(session)
    assert await run_due_tasks(probe) == [("background_tasks.purge_keys", Outcome.SUCCEEDED)]
    assert len(await left(probe, "idempotency_key", "user_id")) == 7


async def test_it_runs_by_itself_in_a_queue_that_each_worker_has() -> None:
    assert [schedule.task for schedule in module.schedules] == [purge_history, purge_keys]
    assert module.tasks == (purge_history, purge_keys)
    assert {task.queue for task in module.tasks} == {"background_tasks"}
    assert purging.BATCH == 1000
