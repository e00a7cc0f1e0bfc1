"""Lag is how long the longest due task has waited that nobody has begun."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from background_tasks.lag import lag
from framework.application import Application

AddRows = Callable[..., Awaitable[list[UUID]]]


@pytest.fixture
def lags(application: Application) -> Callable[[], Awaitable[dict[str, float]]]:
    async def read() -> dict[str, float]:
        async with application.database.driver_connection() as connection:
            return {queue: round(seconds, -1) for queue, seconds in (await lag(connection)).items()}

    return read


Lags = Callable[[], Awaitable[dict[str, float]]]
AGO = "now() - interval '{} s'"


async def test_each_queue_has_its_own(add_rows: AddRows, lags: Lags) -> None:
    assert await lags() == {}
    for seconds, queue, priority in ((40, "mail", 2), (70, "mail", 1), (100, "default", 0)):
        since = AGO.format(seconds)
        await add_rows(queue=f"'{queue}'", priority=priority, available_at=since, publish_at=since)
    assert await lags() == {"mail": 70, "default": 100}


async def test_what_waits_in_the_broker_waits(add_rows: AddRows, lags: Lags) -> None:
    await add_rows(available_at=AGO.format(50), publish_at="now() + interval '20 s'")
    assert await lags() == {"default": 50}


@pytest.mark.parametrize(
    "waits_for",
    [
        {"available_at": "now() + interval '1 h'", "publish_at": "now() + interval '1 h'"},
        {"available_at": AGO.format(100), "publish_at": "'infinity'", "order_key": "'key'", "order_seq": "2"},
        {"available_at": AGO.format(100), "publish_at": AGO.format(100), "state": "'succeeded'"},
    ],
)
async def test_what_is_not_due_does_not_count(add_rows: AddRows, lags: Lags, waits_for: dict[str, str]) -> None:
    await add_rows(**waits_for)
    assert await lags() == {}


async def test_what_runs_does_not_count_until_it_falls_silent(
    application: Application, add_rows: AddRows, lags: Lags
) -> None:
    [task_id] = await add_rows(available_at=AGO.format(60), publish_at=AGO.format(30))
    async with application.database.driver_connection() as connection:
        await connection.execute(
            "INSERT INTO seamark.task_signal (task_id, attempt, heartbeat_at) VALUES ($1, 1, now())", task_id
        )
        assert await lags() == {}
        await connection.execute("UPDATE seamark.task_signal SET heartbeat_at = now() - interval '11 s'")
        assert await lags() == {"default": 60}
