"""The relay brings what is due to the broker, again when it got lost, and never more than the broker should hold."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from background_tasks.broker import KEY_PREFIX
from background_tasks.relay import Relay
from background_tasks.settings import BackgroundTasksSettings
from framework.application import Application
from framework.settings import Settings
from framework.tasks import TaskRun, task

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
QUEUE = f"{KEY_PREFIX}default"


@task("probe.nothing")
async def nothing(run: TaskRun) -> None: ...


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing)


@asynccontextmanager
async def relaying(settings: Settings, worker: str = "", **own: Any) -> AsyncIterator[Relay]:
    relay = Relay(settings, BackgroundTasksSettings(poll=0.05, **own), worker)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await running


async def enqueue(application: Application, count: int = 1) -> list[UUID]:
    async with application.database.unit_of_work() as session:
        return [await nothing.enqueue(session) for _ in range(count)]


async def depth(application: Application) -> int:
    return int(await application.redis.llen(QUEUE))


async def test_what_is_due_reaches_celery(
    probe: Application, settings: Settings, row: Row, eventually: Eventually
) -> None:
    [task_id] = await enqueue(probe)
    async with relaying(settings, republish_after=60):
        await eventually(lambda: depth(probe))
    message = json.loads(await probe.redis.rpop(QUEUE))  # type: ignore[arg-type]
    assert message["headers"]["task"] == "probe.nothing"
    assert json.loads(b64decode(message["body"]))[0] == [str(task_id)]
    published = await row(task_id)
    assert published["publications"] == 1
    assert (published["publish_at"] - published["created_at"]).total_seconds() >= 60


async def test_what_is_not_due_waits(probe: Application, settings: Settings, row: Row, eventually: Eventually) -> None:
    later, now = await enqueue(probe, 2)
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET publish_at = now() + interval '1 h' WHERE id = $1", later)
    async with relaying(settings):
        await eventually(lambda: depth(probe))
    assert ((await row(now))["publications"], (await row(later))["publications"]) == (1, 0)


async def test_what_nobody_began_is_published_again_when_its_lease_ends(
    probe: Application, settings: Settings, row: Row, eventually: Eventually
) -> None:
    [task_id] = await enqueue(probe)

    async def published_again() -> Any:
        return (await row(task_id))["publications"] >= 3

    async with relaying(settings, republish_after=0.01):
        await eventually(published_again)


async def test_of_two_relays_one_publishes_a_row(
    probe: Application, settings: Settings, eventually: Eventually
) -> None:
    await enqueue(probe, 700)

    async def all_published() -> bool:
        return await depth(probe) >= 700

    async with relaying(settings), relaying(settings):
        await eventually(all_published)
    assert await depth(probe) == 700


async def test_a_backlog_stays_in_postgres(probe: Application, settings: Settings, eventually: Eventually) -> None:
    await enqueue(probe, 5)

    async def published(count: int) -> bool:
        async with probe.database.driver_connection() as connection:
            return bool(await connection.fetchval("SELECT sum(publications) FROM seamark.task") == count)

    async with relaying(settings, queue_depth=2):
        await eventually(lambda: published(2))
        await probe.redis.rpop(QUEUE)
        await eventually(lambda: published(3))
        assert await depth(probe) == 2


async def test_without_a_broker_nothing_is_claimed(
    probe: Application, make_settings: Callable[..., Settings], row: Row, eventually: Eventually
) -> None:
    [task_id] = await enqueue(probe)
    nowhere = make_settings(redis_url="redis://127.0.0.1:1/0")

    async def asked() -> bool:
        return relay.broker_failures > 1

    async with relaying(nowhere) as relay:
        await eventually(asked)
    assert (await row(task_id))["publications"] == 0


async def test_it_outlives_its_connection(probe: Application, settings: Settings, eventually: Eventually) -> None:
    async def disconnected() -> Any:
        async with probe.database.driver_connection() as connection:
            return await connection.fetchval(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'seamark relay' AND datname = current_database()"
            )

    async with relaying(settings):
        await eventually(disconnected)
        await enqueue(probe)
        await eventually(lambda: depth(probe))


async def test_it_passes_on_its_workers_heartbeat(
    probe: Application, settings: Settings, eventually: Eventually
) -> None:
    async def seen() -> Any:
        async with probe.database.driver_connection() as connection:
            return await connection.fetchval("SELECT name FROM seamark.task_worker")

    async with relaying(settings, worker="celery@here") as relay:
        relay.hear()
        assert await eventually(seen) == "celery@here"
