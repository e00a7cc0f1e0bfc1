"""Each due slot of a schedule becomes one task, however many beats run."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from background_tasks import beat
from background_tasks.beat import AFTER_FAILURE, Scheduler, seconds_to_next, slot
from background_tasks.composition import Composition
from celery import Celery
from framework.application import Application
from framework.module import Module
from framework.settings import Settings
from framework.tasks import Outcome, Schedule, TaskRun, task
from framework.tasks.testing import run_due_tasks

EXAMPLE = datetime(2026, 11, 20, 11, 59, 58, tzinfo=UTC).timestamp()
HOUR = 3600.0


@task("probe.tick")
async def tick(run: TaskRun) -> None: ...


hourly = Schedule(tick, every=timedelta(hours=1))


def beat_of(settings: Settings) -> Scheduler:
    app = Celery(set_as_current=False)
    app.composition = Composition(settings, (Module(name="probe", label="Probe", schedules=(hourly,)),), {})
    return Scheduler(app)


async def tick_once(settings: Settings, at: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """What ``celery beat`` does, in a thread, because it brings an event loop of its own. Returns how long it would sleep."""
    monkeypatch.setattr(beat, "time", lambda: at)

    def one_life() -> float:
        scheduler = beat_of(settings)
        pause = scheduler.tick()
        scheduler.close()
        return pause

    return await asyncio.to_thread(one_life)


async def due_times(application: Application) -> list[datetime]:
    async with application.database.driver_connection() as connection:
        rows = await connection.fetch("SELECT due_at FROM seamark.task WHERE schedule = 'probe.tick' ORDER BY due_at")
        return [row["due_at"] for row in rows]


def test_slots_are_multiples_of_the_interval_wherever_a_beat_starts() -> None:
    assert slot(hourly, EXAMPLE) == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert slot(Schedule(tick, every=timedelta(days=1)), EXAMPLE) == datetime(2026, 11, 20, tzinfo=UTC)
    assert seconds_to_next(hourly, EXAMPLE) == 2


def test_a_schedule_gives_no_arguments_and_has_an_interval() -> None:
    @task("probe.keyed")
    async def keyed(run: TaskRun, *, key: str) -> None: ...

    with pytest.raises(TypeError, match=r"schedule probe\.keyed: its task needs key"):
        Schedule(keyed, every=timedelta(hours=1))
    with pytest.raises(ValueError, match=r"schedule probe\.tick: the interval must be positive"):
        Schedule(tick, every=timedelta(0))


async def test_of_any_number_of_beats_one_writes_a_slot(
    application: Application, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = await asyncio.gather(*(tick_once(settings, EXAMPLE, monkeypatch) for _ in range(3)))
    assert await due_times(application) == [slot(hourly, EXAMPLE)]
    assert pauses == [2, 2, 2]


async def test_what_was_due_while_none_ran_is_made_up_for_once(
    application: Application, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in (EXAMPLE, EXAMPLE + 5 * HOUR):
        await tick_once(settings, at, monkeypatch)
    assert await due_times(application) == [slot(hourly, EXAMPLE), slot(hourly, EXAMPLE + 5 * HOUR)]


async def test_a_slot_runs_as_any_task(
    make_application: Callable[..., Application], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = make_application(tick)
    await tick_once(settings, EXAMPLE, monkeypatch)
    assert await run_due_tasks(probe) == [("probe.tick", Outcome.SUCCEEDED)]


async def test_without_a_database_it_tries_again(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = make_settings(database_url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    assert await tick_once(nowhere, EXAMPLE, monkeypatch) == AFTER_FAILURE
