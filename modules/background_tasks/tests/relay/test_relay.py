"""The relay brings what is due to the broker, again when it got lost, and never more than the broker should hold."""

import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from background_tasks.broker import KEY_PREFIX
from background_tasks.relay.relay import Relay
from framework.application import Application
from framework.settings import Settings
from framework.tasks import TaskRun, task
from redis.asyncio import Redis

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Relaying = Callable[..., AbstractAsyncContextManager[Relay]]
InBroker = Callable[[], Awaitable[list[int]]]
AddRows = Callable[..., Awaitable[list[UUID]]]


@task("probe.nothing")
async def nothing(run: TaskRun) -> None: ...


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing)


def holds(in_broker: InBroker, *counts: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await in_broker() == list(counts)

    return look


async def test_what_is_due_reaches_celery(
    probe: Application, relaying: Relaying, in_broker: InBroker, broker: Redis, row: Row, eventually: Eventually
) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await nothing.enqueue(session)
    async with relaying(republish_after=60):
        await eventually(holds(in_broker, 0, 1, 0))
    message = json.loads(await broker.rpop(f"{KEY_PREFIX}default\x06\x161"))  # type: ignore[arg-type]
    assert message["headers"]["task"] == "probe.nothing"
    assert message["headers"]["id"] == str(task_id)
    # What the transport goes by when it puts back a message that a worker did not acknowledge.
    assert message["properties"]["priority"] == 1
    assert json.loads(b64decode(message["body"]))[0] == [str(task_id)]
    published = await row(task_id)
    assert published["publications"] == 1
    assert (published["publish_at"] - published["created_at"]).total_seconds() >= 60


async def test_what_is_not_due_waits(
    add_rows: AddRows, relaying: Relaying, in_broker: InBroker, row: Row, eventually: Eventually
) -> None:
    [later] = await add_rows(publish_at="now() + interval '1 h'")
    [never] = await add_rows(publish_at="'infinity'")
    await add_rows()
    async with relaying():
        await eventually(holds(in_broker, 0, 1, 0))
    assert ((await row(later))["publications"], (await row(never))["publications"]) == (0, 0)


async def test_what_becomes_due_goes_out_without_waiting_for_the_poll(
    add_rows: AddRows, relaying: Relaying, in_broker: InBroker, eventually: Eventually
) -> None:
    await add_rows(publish_at="now() + interval '0.5 s'")
    async with relaying(poll=10):
        await eventually(holds(in_broker, 0, 1, 0))


async def test_a_commit_wakes_it(
    probe: Application, relaying: Relaying, in_broker: InBroker, eventually: Eventually
) -> None:
    async def waits() -> Any:
        async with probe.database.driver_connection() as connection:
            return await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'seamark relay' AND state = 'idle' AND query LIKE '%following%'"
            )

    async with relaying(poll=10):
        await eventually(waits)
        async with probe.database.unit_of_work() as session:
            await nothing.enqueue(session)
        committed_at = monotonic()
        await eventually(holds(in_broker, 0, 1, 0))
    assert monotonic() - committed_at < 5


async def test_behind_pgbouncer_it_looks_by_itself(
    add_rows: AddRows,
    relaying: Relaying,
    make_settings: Callable[..., Settings],
    in_broker: InBroker,
    eventually: Eventually,
) -> None:
    async with relaying(other=make_settings(database_pgbouncer=True)):
        for count in (1, 2):
            await add_rows()
            await eventually(holds(in_broker, 0, count, 0))


async def test_what_nobody_began_is_published_again(
    add_rows: AddRows, relaying: Relaying, row: Row, eventually: Eventually
) -> None:
    [task_id] = await add_rows()

    async def published_again() -> Any:
        return (await row(task_id))["publications"] >= 3

    async with relaying(republish_after=0.01):
        await eventually(published_again)


async def test_what_runs_is_left_alone(
    application: Application, add_rows: AddRows, relaying: Relaying, in_broker: InBroker, eventually: Eventually
) -> None:
    [running] = await add_rows(publish_at="now() - interval '1 h'")
    async with application.database.driver_connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM seamark.task WHERE id = $1 FOR UPDATE", running)
        [_] = await add_rows()
        async with relaying():
            await eventually(holds(in_broker, 0, 1, 0))


async def test_of_many_relays_one_publishes_a_row(
    add_rows: AddRows, relaying: Relaying, in_broker: InBroker, application: Application, eventually: Eventually
) -> None:
    await add_rows(2500, priority="number % 3")

    async def all_published() -> bool:
        return sum(await in_broker()) >= 2500

    async with relaying(queue_depth=5000), relaying(queue_depth=5000), relaying(queue_depth=5000):
        await eventually(all_published)
    assert sum(await in_broker()) == 2500
    async with application.database.driver_connection() as connection:
        assert await connection.fetchval("SELECT max(publications) FROM seamark.task") == 1


async def test_a_backlog_stays_in_postgres(
    add_rows: AddRows,
    relaying: Relaying,
    in_broker: InBroker,
    broker: Redis,
    application: Application,
    eventually: Eventually,
) -> None:
    await add_rows(5)

    async def published(count: int) -> bool:
        async with application.database.driver_connection() as connection:
            return bool(await connection.fetchval("SELECT sum(publications) FROM seamark.task") == count)

    async with relaying(queue_depth=2):
        await eventually(lambda: published(2))
        await broker.rpop(f"{KEY_PREFIX}default\x06\x161")
        await eventually(lambda: published(3))
        assert await in_broker() == [0, 2, 0]


class TestPriority:
    async def test_each_has_a_list_of_its_own_which_workers_take_from_in_turn(
        self, add_rows: AddRows, relaying: Relaying, in_broker: InBroker, eventually: Eventually
    ) -> None:
        for priority in range(3):
            await add_rows(priority + 1, priority=priority)
        async with relaying():
            await eventually(holds(in_broker, 1, 2, 3))

    async def test_what_is_urgent_finds_room_where_the_rest_has_filled_it(
        self, add_rows: AddRows, relaying: Relaying, in_broker: InBroker, eventually: Eventually
    ) -> None:
        await add_rows(10, priority=2)
        async with relaying(queue_depth=4):
            await eventually(holds(in_broker, 0, 0, 4))
            await add_rows(10, priority=1)
            await eventually(holds(in_broker, 0, 4, 4))
            await add_rows(10, priority=0)
            await eventually(holds(in_broker, 4, 4, 4))

    async def test_what_is_less_urgent_waits_until_there_is_room_beside_the_rest(
        self,
        broker: Redis,
        add_rows: AddRows,
        relaying: Relaying,
        in_broker: InBroker,
        eventually: Eventually,
    ) -> None:
        await add_rows(6, priority=0)
        await add_rows(6, priority=2)
        async with relaying(queue_depth=4):
            await eventually(holds(in_broker, 4, 0, 0))
            await broker.delete(f"{KEY_PREFIX}default")
            await eventually(holds(in_broker, 2, 0, 2))

    async def test_a_full_queue_holds_up_no_other(
        self, broker: Redis, add_rows: AddRows, relaying: Relaying, eventually: Eventually
    ) -> None:
        await add_rows(6, priority=0)
        await add_rows(1, queue="'another'", priority=2)

        async def arrived() -> Any:
            return await broker.llen(f"{KEY_PREFIX}another\x06\x162")

        async with relaying(queue_depth=4):
            await eventually(arrived)
