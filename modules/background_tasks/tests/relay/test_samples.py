"""Relays keep a short history of each queue, at a cost that does not grow with the tables."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from background_tasks.relay.relay import Relay
from background_tasks.relay.samples import TAKE
from framework.application import Application
from framework.settings import Settings

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Relaying = Callable[..., AbstractAsyncContextManager[Relay]]
AddRows = Callable[..., Awaitable[list[UUID]]]
Samples = Callable[[], Awaitable[dict[str, dict[str, Any]]]]


@pytest.fixture
def samples(application: Application) -> Samples:
    """The latest of each queue."""

    async def read() -> dict[str, dict[str, Any]]:
        async with application.database.driver_connection() as connection:
            found = await connection.fetch("SELECT * FROM seamark.task_sample ORDER BY at")
        return {record["queue"]: dict(record) for record in found}

    return read


async def test_they_say_what_waits_since_when_and_what_is_in_the_broker(
    add_rows: AddRows, relaying: Relaying, samples: Samples, eventually: Eventually
) -> None:
    since = "now() - interval '50 s'"
    await add_rows(3, available_at=since, publish_at="now() + interval '1 min'")
    await add_rows(2, queue="'mail'", priority=0)
    await add_rows(1, queue="'mail'", publish_at="now() + interval '1 h'", available_at="now() + interval '1 h'")
    async with relaying():
        await eventually(samples)
    taken = await samples()
    assert (taken["default"]["waiting"], taken["mail"]["waiting"]) == (3, 2)
    assert 50 <= taken["default"]["lag"] < 60
    assert taken["mail"]["lag"] < 10
    assert taken["default"]["in_broker"] == 0
    assert taken["default"]["at"].timestamp() % 15 == 0


async def test_they_count_what_ended(
    application: Application, add_rows: AddRows, relaying: Relaying, samples: Samples, eventually: Eventually
) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute("INSERT INTO seamark.task_worker (name, queues) VALUES ('here', '{default}')")
        # Should the next slot begin meanwhile, it sees the same.
        for moment in ("now()", "now() + interval '15 s'"):
            finished_at = f"date_bin('15 s', {moment}, 'epoch') - interval '1 s'"
            await add_rows(4, state="'succeeded'", finished_at=finished_at)
            await add_rows(2, state="'failed'", finished_at=finished_at)
            await add_rows(1, state="'cancelled'", finished_at=finished_at)
        await add_rows(8, state="'failed'", finished_at="now() - interval '2 min'")
    async with relaying():
        await eventually(samples)
    taken = (await samples())["default"]
    assert (taken["waiting"], taken["lag"], taken["finished"], taken["failed"]) == (0, 0, 7, 2)


async def test_without_a_broker_they_do_not_say_what_is_in_it(
    add_rows: AddRows,
    make_settings: Callable[..., Settings],
    relaying: Relaying,
    samples: Samples,
    eventually: Eventually,
) -> None:
    await add_rows(1)
    async with relaying(other=make_settings(redis_url="redis://127.0.0.1:1/0")):
        await eventually(samples)
    taken = (await samples())["default"]
    assert (taken["waiting"], taken["in_broker"]) == (1, None)


async def test_old_ones_are_removed(
    application: Application, relaying: Relaying, samples: Samples, eventually: Eventually
) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(
            "INSERT INTO seamark.task_sample SELECT hours || ' h', now() - hours * interval '1 h', 0, 0, 0, 0, 0 "
            "FROM unnest('{23, 25}'::int[]) AS hours"
        )

    async def swept() -> bool:
        return (await samples()).keys() == {"23 h"}

    async with relaying():
        await eventually(swept)


async def test_with_a_long_history_and_a_long_backlog_they_read_along_the_indexes(
    application: Application, add_rows: AddRows
) -> None:
    await add_rows(20_000, priority="number % 3", publish_at="now() - number * interval '1 ms'")
    await add_rows(20_000, state="'succeeded'", finished_at="now() - number * interval '1 min'")
    async with application.database.driver_connection() as connection:
        await connection.execute("ANALYZE seamark.task, seamark.task_signal")
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {TAKE}", datetime.now(UTC), ["default"], [0])
    indexes = {
        node.get("Index Name", node["Node Type"])
        for node in nodes(plan[0]["Plan"])
        if node.get("Relation Name") == "task" and node["Node Type"] != "Bitmap Heap Scan"
    }
    assert indexes == {"task_next_ix", "task_finished_ix"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
