"""An application whose one module, ``probe``, has the tasks that a test gives it, and a table for their effects."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import structlog
from background_tasks.broker import KEY_PREFIX
from background_tasks.relay.parent import Parent
from background_tasks.relay.relay import Relay
from background_tasks.settings import BackgroundTasksSettings
from framework.application import Application, connect
from framework.events import Subscription
from framework.module import Module
from framework.settings import Settings
from framework.subscriptions import write_subscriptions
from framework.tasks import Task
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.testing import LogCapture


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
def eventually() -> Callable[..., Awaitable[Any]]:
    """``await eventually(condition)``: what ``condition`` returns once that is true; fails after ten ``seconds``."""

    async def wait(condition: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
        async with asyncio.timeout(seconds):
            while not (result := await condition()):  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.01)
            return result

    return wait


@pytest.fixture
def relaying(settings: Settings, clean: None) -> Callable[..., AbstractAsyncContextManager[Relay]]:
    """``async with relaying(parent=…, queue_depth=…)``: a relay that runs meanwhile."""

    @asynccontextmanager
    async def run(*, parent: Parent | None = None, other: Settings | None = None, **own: Any) -> AsyncIterator[Relay]:
        relay = Relay(other or settings, BackgroundTasksSettings(**({"poll": 0.05} | own)), parent)
        running = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            relay.stop()
            await running

    return run


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[Redis]:
    """More patient than the application's: a relay in this process stops the loop now and then."""
    async with Redis.from_url(settings.redis_url.get_secret_value()) as client:
        yield client


@pytest.fixture
def in_broker(broker: Redis) -> Callable[[], Awaitable[list[int]]]:
    """Messages of the queue ``default``, the most urgent first."""

    async def count() -> list[int]:
        keys = [f"{KEY_PREFIX}default", f"{KEY_PREFIX}default\x06\x161", f"{KEY_PREFIX}default\x06\x162"]
        return [int(await broker.llen(key)) for key in keys]

    return count


@pytest.fixture
def add_rows(application: Application, clean: None) -> Callable[..., Awaitable[list[UUID]]]:
    """``await add_rows(10, priority=2, publish_at="now() - interval '1 min'")``: with values in SQL."""

    async def add(count: int = 1, **values: Any) -> list[UUID]:
        row = {"name": "'probe.nothing'", "queue": "'default'", "args": "'{}'", "correlation_id": "'test'"} | values
        columns, expressions = ", ".join(row), ", ".join(map(str, row.values()))
        insert = f"INSERT INTO seamark.task (id, {columns}) SELECT gen_random_uuid(), {expressions} "
        async with application.database.driver_connection() as connection:
            records = await connection.fetch(f"{insert} FROM generate_series(1, {count}) AS number RETURNING id")
        return [record["id"] for record in records]

    return add


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile, before it is rendered."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    yield capture.entries
    structlog.configure(**before)
