"""An application whose one module, ``probe``, has the tasks that a test gives it, and a table for their effects."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from framework.application import Application, connect
from framework.events import Subscription
from framework.module import Module
from framework.settings import Settings
from framework.subscriptions import write_subscriptions
from framework.tasks import Task
from sqlalchemy import text


@pytest.fixture
async def make_application(
    settings: Settings, clean: None, effects_table: None
) -> AsyncIterator[Callable[..., Application]]:
    """``make_application(task, …)``; with subscriptions: ``subscribed``."""
    async with AsyncExitStack() as stack:

        def make(*tasks: Task, subscriptions: tuple[Subscription, ...] = ()) -> Application:
            module = Module(name="probe", label="Probe", tasks=tasks, subscriptions=subscriptions)
            application = connect(settings, (module,), "test")
            stack.push_async_callback(application.close)
            return application

        yield make


@pytest.fixture
def subscribed(make_application: Callable[..., Application]) -> Callable[..., Awaitable[Application]]:
    """``await subscribed(Subscription(…), …)``: an application whose module is told of events, as after ``sm migrate``."""

    async def subscribed(*subscriptions: Subscription) -> Application:
        application = make_application(subscriptions=subscriptions)
        async with application.database.driver_connection() as connection:
            await write_subscriptions(connection, application.modules)
        return application

    return subscribed


@pytest.fixture
async def effects_table(application: Application) -> AsyncIterator[None]:
    async with application.database.unit_of_work() as session:
        await session.execute(text("CREATE TABLE effect (key text)"))
    yield
    async with application.database.unit_of_work() as session:
        await session.execute(text("DROP TABLE effect"))


@pytest.fixture
def effects(application: Application, effects_table: None) -> Callable[[], Awaitable[list[str]]]:
    """What tasks have done and committed, in order."""

    async def read() -> list[str]:
        async with application.database.driver_connection() as connection:
            return [row["key"] for row in await connection.fetch("SELECT key FROM effect ORDER BY ctid")]

    return read


@pytest.fixture
def row(application: Application) -> Callable[[UUID], Awaitable[dict[str, Any]]]:
    """A task's row and what it signals."""

    async def read(task_id: UUID) -> dict[str, Any]:
        async with application.database.driver_connection() as connection:
            found = await connection.fetchrow(
                "SELECT * FROM seamark.task LEFT JOIN seamark.task_signal ON task_id = id WHERE id = $1", task_id
            )
        assert found is not None
        return dict(found)

    return read


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]:
    """``await eventually(condition)``: what ``condition`` returns once that is true; fails after ten seconds."""

    async def wait(condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(10):
            while not (result := await condition()):  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.01)
            return result

    return wait
