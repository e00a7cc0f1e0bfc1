"""Events with one key reach a subscriber that wants order one after the other, as they were committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from uuid import UUID

import pytest
from background_tasks.lag import lag
from framework.application import Application
from framework.events import Event, Subscription, publish
from framework.tasks import Outcome, RetryPolicy, TaskRun
from framework.tasks.runner import Next, Runner
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text

type Effects = Callable[[], Awaitable[list[str]]]
type Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

ATTEMPTS = 2
ADD = text("INSERT INTO effect VALUES (:key)")
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
# What has to wait for those before it is due at infinity; what failed is due again only after a pause.
MAKE_DUE = "UPDATE seamark.task SET available_at = now(), publish_at = now() WHERE publish_at < 'infinity'"
DUE = "SELECT id, args->'event'->>'number' FROM seamark.task WHERE state = 'queued' AND publish_at <= now() ORDER BY order_seq"


class Moved(Event):
    event_name: ClassVar[str] = "probe.moved"
    ship: str
    number: int
    fails: bool = False

    @property
    def order_key(self) -> str:
        return self.ship


async def log_move(run: TaskRun, event: Moved) -> None:
    if event.fails:
        raise RuntimeError("no log book")
    await run.session.execute(ADD, {"key": f"{event.ship} {event.number}"})


@pytest.fixture
async def probe(subscribed: Callable[..., Awaitable[Application]]) -> Application:
    return await subscribed(Subscription(Moved, log_move, ordered=True, retry=RetryPolicy(max_attempts=ATTEMPTS)))


@asynccontextmanager
async def moving(probe: Application, number: int, ship: str = "Beagle", **more: Any) -> AsyncIterator[None]:
    """Published at its beginning and committed at its end."""
    async with probe.database.unit_of_work() as session:
        await publish(session, Moved(ship=ship, number=number, **more))
        yield


async def move(probe: Application, *numbers: int, **more: Any) -> None:
    for number in numbers:
        async with moving(probe, number, **more):
            pass


async def due(probe: Application) -> list[int]:
    async with probe.database.driver_connection() as connection:
        return [int(row[1]) for row in await connection.fetch(DUE)]


async def due_id(probe: Application) -> UUID:
    async with probe.database.driver_connection() as connection:
        task_id: UUID = await connection.fetchval(DUE)
        return task_id


async def make_due(probe: Application) -> None:
    async with probe.database.driver_connection() as connection:
        await connection.execute(MAKE_DUE)


@pytest.fixture
def somebody_waits(probe: Application, eventually: Eventually) -> Callable[[], Awaitable[Any]]:
    """Until a transaction waits for its turn."""

    async def waits() -> Any:
        async with probe.database.driver_connection() as connection:
            return await connection.fetchval(WAITS)

    return lambda: eventually(waits)


async def test_one_is_due_at_a_time(probe: Application, effects: Effects) -> None:
    await move(probe, 1, 2, 3)

    assert await due(probe) == [1]
    assert [result for _, result in await run_due_tasks(probe)] == [Outcome.SUCCEEDED] * 3
    assert await effects() == ["Beagle 1", "Beagle 2", "Beagle 3"]


async def test_other_keys_do_not_wait(probe: Application) -> None:
    async with moving(probe, 1, "Beagle"):
        await move(probe, 2, ship="Endeavour")
    await move(probe, 3)

    assert sorted(await due(probe)) == [1, 2]


async def test_two_of_one_transaction_keep_their_order(probe: Application, effects: Effects) -> None:
    async with probe.database.unit_of_work() as session:
        for number in (1, 2):
            await publish(session, Moved(ship="Beagle", number=number))

    assert await due(probe) == [1]
    await run_due_tasks(probe)
    assert await effects() == ["Beagle 1", "Beagle 2"]


async def test_the_order_is_that_of_the_commits(probe: Application, effects: Effects) -> None:
    async def take_part(number: int) -> None:
        async with probe.database.unit_of_work() as session:
            await publish(session, Moved(ship="Beagle", number=number))
            # Those before are committed, or publish would not have returned: so this is the place among the commits.
            before = await session.scalar(text("SELECT count(*) FROM seamark.task_signal"))
            note = f"{before} {number}"
            values = "INSERT INTO seamark.task_signal (task_id, note) VALUES (gen_random_uuid(), :note)"
            await session.execute(text(values), {"note": note})

    await asyncio.gather(*map(take_part, range(40)))
    async with probe.database.driver_connection() as connection:
        notes = [row["note"].split() for row in await connection.fetch("SELECT note FROM seamark.task_signal")]
    assert sorted(int(place) for place, _ in notes) == list(range(40))

    await run_due_tasks(probe)

    committed = [number for _, number in sorted(notes, key=lambda note: int(note[0]))]
    assert await effects() == [f"Beagle {number}" for number in committed]


async def test_while_one_is_tried_again_those_behind_it_wait(probe: Application) -> None:
    await move(probe, 1, fails=True)
    await move(probe, 2)

    assert [result for _, result in await run_due_tasks(probe)] == [Next.REPEATED]
    assert await due(probe) == []


async def test_a_dead_letter_lets_those_behind_it_go_on(probe: Application, effects: Effects) -> None:
    await move(probe, 1, fails=True)
    await move(probe, 2, 3)

    await run_due_tasks(probe)
    await make_due(probe)

    results = [result for _, result in await run_due_tasks(probe)]
    assert results == [Outcome.FAILED, Outcome.SUCCEEDED, Outcome.SUCCEEDED]
    assert await effects() == ["Beagle 2", "Beagle 3"]


async def test_its_lag_counts_from_when_the_one_before_ended(probe: Application) -> None:
    await move(probe, 1, 2)
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET available_at = now() - interval '1 hour'")

    await Runner(probe, "test").run(await due_id(probe))

    assert await due(probe) == [2]
    async with probe.database.driver_connection() as connection:
        assert (await lag(connection))["default"] < 60


async def test_what_is_published_while_the_one_before_ends_is_due(
    probe: Application, somebody_waits: Callable[[], Awaitable[Any]]
) -> None:
    await move(probe, 1)
    async with moving(probe, 2):
        ending = asyncio.create_task(Runner(probe, "test").run(await due_id(probe)))
        await somebody_waits()

    assert await ending is Outcome.SUCCEEDED
    assert await due(probe) == [2]


async def test_however_publishing_and_ending_meet_nothing_stays_behind(probe: Application, effects: Effects) -> None:
    runner = Runner(probe, "test")
    await move(probe, 0)
    for number in range(1, 100):
        head = await due_id(probe)
        [result, _] = await asyncio.gather(runner.run(head), move(probe, number))
        assert result is Outcome.SUCCEEDED
        assert await due(probe) == [number]
    assert len(await effects()) == 99


async def test_who_waited_for_one_that_was_rolled_back_is_the_first(
    probe: Application, somebody_waits: Callable[[], Awaitable[Any]]
) -> None:
    async with probe.database.unit_of_work() as session:
        await publish(session, Moved(ship="Beagle", number=1))
        second = asyncio.create_task(move(probe, 2))
        await somebody_waits()
        await session.rollback()
    await second

    assert await due(probe) == [2]
