"""The relay outlives what it works with, and loses nothing meanwhile."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from background_tasks.relay.relay import Relay
from framework.application import Application
from framework.settings import Settings

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Relaying = Callable[..., AbstractAsyncContextManager[Relay]]
InBroker = Callable[[], Awaitable[list[int]]]
AddRows = Callable[..., Awaitable[list[UUID]]]

OWN_CONNECTION = "application_name = 'seamark relay' AND datname = current_database()"


async def test_without_a_broker_nothing_is_claimed(
    add_rows: AddRows, make_settings: Callable[..., Settings], relaying: Relaying, row: Row, eventually: Eventually
) -> None:
    [task_id] = await add_rows()

    async def refused() -> bool:
        return relay.publisher.rest > 0

    async with relaying(other=make_settings(redis_url="redis://127.0.0.1:1/0")) as relay:
        await eventually(refused)
    assert (await row(task_id))["publications"] == 0


async def test_it_outlives_its_connection(
    application: Application, add_rows: AddRows, relaying: Relaying, in_broker: InBroker, eventually: Eventually
) -> None:
    async def disconnected() -> Any:
        async with application.database.driver_connection() as connection:
            return await connection.fetchval(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OWN_CONNECTION}"
            )

    async def published() -> bool:
        return await in_broker() == [0, 1, 0]

    async with relaying():
        await eventually(disconnected)
        await add_rows()
        await eventually(published)
