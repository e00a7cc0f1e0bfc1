"""The process around it: ``celery beat``."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from background_tasks.beat import scheduler
from background_tasks.beat.following import LONGEST_PAUSE
from background_tasks.beat.scheduler import AFTER_FAILURE, Scheduler
from background_tasks.composition import Composition
from background_tasks.settings import BackgroundTasksSettings
from celery import Celery
from framework.application import Application
from framework.module import Module
from framework.settings import Settings
from framework.tasks import Schedule, TaskRun, task


@task("probe.tick")
async def tick(run: TaskRun) -> None: ...


hourly = Schedule(tick, every=timedelta(hours=1))


async def ticks(settings: Settings, *schedules: Schedule, times: int = 1) -> list[float]:
    """What a ``celery beat`` does, in a thread, because it brings an event loop of its own. Returns how long it would sleep."""
    app = Celery(set_as_current=False)
    probe = Module(name="probe", label="Probe", schedules=schedules)
    app.composition = Composition(settings, BackgroundTasksSettings(), (probe,), {})

    def one_life() -> list[float]:
        scheduler = Scheduler(app)
        pauses = [scheduler.tick() for _ in range(times)]
        for _ in range(2):  # for a signal, and at the end
            scheduler.close()
        return pauses

    return await asyncio.to_thread(one_life)


async def test_it_follows_the_schedules_of_its_modules(application: Application, settings: Settings) -> None:
    [pause] = await ticks(settings, hourly)
    assert 0 <= pause <= LONGEST_PAUSE
    async with application.database.driver_connection() as connection:
        assert await connection.fetchval("SELECT entry FROM seamark.task_schedule") == "probe.tick"


async def test_without_a_schedule_it_asks_nobody(make_settings: Callable[..., Settings]) -> None:
    nowhere = make_settings(database_url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    assert await ticks(nowhere) == [LONGEST_PAUSE]


async def test_without_a_database_it_tries_again_and_says_so_once(
    make_settings: Callable[..., Settings], logged: list[Any]
) -> None:
    nowhere = make_settings(database_url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    assert await ticks(nowhere, hourly, times=3) == [AFTER_FAILURE] * 3
    assert [line["event"] for line in logged] == ["schedules not written, trying again every second"]


async def test_a_database_that_does_not_answer_is_not_waited_for(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "LONGEST_TICK", 0.1)
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    nowhere = make_settings(database_url=f"postgresql+asyncpg://nobody@127.0.0.1:{port}/nothing")
    try:
        assert await ticks(nowhere, hourly) == [AFTER_FAILURE]
    finally:
        silent.close()
