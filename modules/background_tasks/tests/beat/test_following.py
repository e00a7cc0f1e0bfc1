"""Each due slot of a schedule becomes one task, however many beats run and whatever they last knew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from background_tasks.beat import following
from background_tasks.beat.following import ABANDONED_AFTER, LONGEST_PAUSE, Following
from background_tasks.beat.missed import decide
from background_tasks.beat.timetable import Timetable
from framework.application import Application
from framework.tasks import Missed, Outcome, Priority, Schedule, TaskRun, task
from framework.tasks.testing import run_due_tasks
from framework.tasks.timing import Every
from framework.tasks.wake import CHANNEL

SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)
"""So that none becomes due by itself while a test runs."""


@task("probe.tick")
async def tick(run: TaskRun) -> None: ...


@pytest.fixture
async def timetables(application: Application) -> AsyncIterator[list[Timetable]]:
    """Of three beats, each with a connection of its own."""
    async with AsyncExitStack() as stack:
        yield [Timetable(await stack.enter_async_context(application.database.driver_connection())) for _ in range(3)]


@pytest.fixture
def fetch(application: Application) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    async def rows(query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with application.database.driver_connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    return rows


@pytest.fixture
def due_times(fetch: Callable[..., Any]) -> Callable[[], Awaitable[list[datetime]]]:
    async def read(entry: str = "probe.tick") -> list[datetime]:
        rows = await fetch("SELECT due_at FROM seamark.task WHERE schedule = $1 ORDER BY due_at", entry)
        return [row["due_at"] for row in rows]

    return read


@pytest.fixture
def absence(fetch: Callable[..., Any]) -> Callable[..., Awaitable[list[datetime]]]:
    """``await absence(schedule, slots)``: as if so many had become due since a beat last looked. Returns them."""

    async def begin(schedule: Schedule, slots: int) -> list[datetime]:
        assert schedule.every is not None
        [row] = await fetch("SELECT now() AS now")
        latest = next(schedule.timing.after(row["now"])) - schedule.every
        missed = [latest - number * schedule.every for number in reversed(range(slots))]
        await fetch(
            "INSERT INTO seamark.task_schedule (entry, task, timing, missed, next_due_at) VALUES ($1, $2, $3, $4, $5)",
            schedule.entry,
            schedule.task.name,
            str(schedule.timing),
            schedule.missed,
            missed[0],
        )
        return missed

    return begin


def beat(*schedules: Schedule) -> Following:
    return Following(schedules)


async def test_a_new_schedule_begins_with_its_next_slot(
    timetables: list[Timetable], fetch: Callable[..., Any], due_times: Callable[..., Any]
) -> None:
    yearly = Schedule(tick, every=YEAR)
    pauses = [await beat(yearly).look(timetable) for timetable in timetables]
    [row] = await fetch("SELECT *, now() AS now FROM seamark.task_schedule")
    assert (row["entry"], row["task"], row["timing"], row["missed"]) == (
        "probe.tick",
        "probe.tick",
        "every 365 days",
        "once",
    )
    assert (row["last_due_at"], row["next_due_at"]) == (None, next(yearly.timing.after(row["now"])))
    assert all(0 < pause <= LONGEST_PAUSE for pause in pauses)
    assert await due_times() == []


async def test_three_beats_that_see_the_same_slots_write_each_once(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any]
) -> None:
    schedules = [
        Schedule(tick, every=YEAR, missed=missed, name=f"probe.{missed}_{number}")
        for number in range(10)
        for missed in (Missed.ALL, Missed.ONCE)
    ]
    missed = {schedule: await absence(schedule, 30) for schedule in schedules}
    beats = [beat(*schedules), beat(*reversed(schedules)), beat(*schedules)]

    async def look(one: Following, timetable: Timetable) -> None:
        while await one.look(timetable) <= following.AGAIN:
            pass

    await asyncio.gather(*(look(one, timetable) for one, timetable in zip(beats, timetables, strict=True)))
    for schedule in schedules:
        expected = missed[schedule] if schedule.missed is Missed.ALL else missed[schedule][-1:]
        assert await due_times(schedule.entry) == expected


async def test_the_next_look_is_when_the_next_slot_is_due(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any]
) -> None:
    # All that it missed: the next second may begin before it looks.
    schedule = Schedule(tick, every=SECOND, missed=Missed.ALL)
    [now] = await absence(schedule, 1)
    one = beat(schedule)
    assert 0 <= await one.look(timetables[0]) <= 1
    assert now in await due_times()


async def test_a_beat_that_slept_over_its_decision_writes_nothing_that_another_passed_over(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any], fetch: Callable[..., Any]
) -> None:
    thorough, brief = (Schedule(tick, every=YEAR, missed=missed) for missed in (Missed.ALL, Missed.ONCE))
    missed = await absence(brief, 5)
    state = (await timetables[0].read(["probe.tick"]))["probe.tick"]
    assert state.next_due_at is not None
    asleep = decide(thorough, state.next_due_at, state.now)
    await beat(brief).look(timetables[1])
    [before] = await fetch("SELECT * FROM seamark.task_schedule")
    assert await timetables[0].write(thorough, state, asleep) is None
    assert await due_times() == missed[-1:]
    assert await fetch("SELECT * FROM seamark.task_schedule") == [before]


@pytest.mark.parametrize("known", [True, False])
async def test_a_decision_that_is_too_old_is_not_carried_out_even_where_nobody_else_was(
    timetables: list[Timetable],
    absence: Callable[..., Any],
    due_times: Callable[..., Any],
    fetch: Callable[..., Any],
    known: bool,
) -> None:
    schedule = Schedule(tick, every=YEAR)
    await absence(schedule, 5)
    state = (await timetables[0].read(["probe.tick"]))["probe.tick"]
    assert state.next_due_at is not None
    if not known:
        await fetch("DELETE FROM seamark.task_schedule")
    asleep = decide(schedule, state.next_due_at, state.now - 2 * YEAR)
    assert await timetables[0].write(schedule, state, asleep) is None
    assert await due_times() == []


async def test_a_changed_timing_begins_with_its_next_slot(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any], fetch: Callable[..., Any]
) -> None:
    await absence(Schedule(tick, every=YEAR), 3)
    await beat(Schedule(tick, every=YEAR + SECOND, missed=Missed.ALL)).look(timetables[0])
    [row] = await fetch("SELECT *, now() AS now FROM seamark.task_schedule")
    assert (row["timing"], row["missed"]) == (str(Every(YEAR + SECOND)), "all")
    assert row["next_due_at"] > row["now"]
    assert await due_times() == []


async def test_what_last_became_due_stays_known(
    timetables: list[Timetable], absence: Callable[..., Any], fetch: Callable[..., Any]
) -> None:
    missed = await absence(Schedule(tick, every=YEAR), 3)
    for schedule in (Schedule(tick, every=YEAR), Schedule(tick, every=2 * YEAR)):
        await beat(schedule).look(timetables[0])
        [row] = await fetch("SELECT timing, last_due_at FROM seamark.task_schedule")
        assert row == {"timing": str(schedule.timing), "last_due_at": missed[-1]}


async def test_relays_are_woken_for_it(
    timetables: list[Timetable],
    absence: Callable[..., Any],
    environment: dict[str, str],
    eventually: Callable[..., Awaitable[Any]],
) -> None:
    schedule = Schedule(tick, every=YEAR)
    await absence(schedule, 1)
    heard: list[object] = []

    async def woken() -> bool:
        return bool(heard)

    direct = environment.get("SM_DATABASE_DIRECT_URL", environment["SM_DATABASE_URL"])
    connection = await asyncpg.connect(direct.replace("+asyncpg", ""))
    await connection.add_listener(CHANNEL, lambda *_: heard.append(_))
    await beat(schedule).look(timetables[0])
    await eventually(woken)
    await connection.close()


async def test_a_changed_policy_holds_for_what_was_missed_before(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any]
) -> None:
    missed = await absence(Schedule(tick, every=YEAR, missed=Missed.SKIP), 3)
    await beat(Schedule(tick, every=YEAR, missed=Missed.ALL)).look(timetables[0])
    assert await due_times() == missed


async def test_of_two_releases_the_later_one_is_followed_while_it_is_there(
    timetables: list[Timetable], fetch: Callable[..., Any]
) -> None:
    async def timing() -> str:
        [row] = await fetch("SELECT timing FROM seamark.task_schedule")
        return str(row["timing"])

    old, new = beat(Schedule(tick, every=YEAR)), beat(Schedule(tick, every=2 * YEAR))
    for one in (old, new, old):
        await one.look(timetables[0])
    assert await timing() == "every 730 days"
    await fetch("UPDATE seamark.task_schedule SET seen_at = now() - $1::interval", ABANDONED_AFTER)
    await old.look(timetables[0])
    assert await timing() == "every 365 days"


async def test_what_no_beat_sees_for_a_day_is_forgotten(
    timetables: list[Timetable],
    absence: Callable[..., Any],
    fetch: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    logged: list[Any],
) -> None:
    monkeypatch.setattr(following, "FORGET_EVERY", 0)
    here, gone = (Schedule(tick, every=YEAR, name=name) for name in ("probe.here", "probe.gone"))
    for schedule in (here, gone):
        await absence(schedule, 1)
    await fetch(
        "UPDATE seamark.task_schedule SET seen_at = now() - interval '2 days', next_due_at = next_due_at + $1", YEAR
    )
    await beat(here).look(timetables[0])
    [row] = await fetch("SELECT entry, now() - seen_at AS unseen_for FROM seamark.task_schedule")
    assert row["entry"] == "probe.here"
    assert row["unseen_for"] < timedelta(minutes=1)
    assert [line["schedules"] for line in logged if "schedules" in line] == [["probe.gone"]]


async def test_its_task_is_as_it_was_declared(
    timetables: list[Timetable], absence: Callable[..., Any], fetch: Callable[..., Any]
) -> None:
    @task("probe.kept", queue="slow", priority=Priority.LOW, retention=timedelta(days=2))
    async def kept(run: TaskRun) -> None: ...

    schedule = Schedule(kept, every=YEAR, missed=Missed.ALL, name="probe.nightly")
    missed = await absence(schedule, 2)
    await beat(schedule).look(timetables[0])
    rows = await fetch("SELECT * FROM seamark.task ORDER BY due_at")
    assert [row["due_at"] for row in rows] == missed
    for row in rows:
        assert (row["name"], row["queue"], row["priority"]) == ("probe.kept", "slow", Priority.LOW)
        assert (row["schedule"], row["retention"], row["state"]) == ("probe.nightly", timedelta(days=2), "queued")
    assert len({row["correlation_id"] for row in rows}) == 2


async def test_of_a_unique_task_no_second_waits(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any], logged: list[Any]
) -> None:
    @task("probe.unique", unique=lambda: "one")
    async def unique(run: TaskRun) -> None: ...

    schedule = Schedule(unique, every=YEAR, missed=Missed.ALL)
    missed = await absence(schedule, 3)
    await beat(schedule).look(timetables[0])
    assert await due_times("probe.unique") == missed[:1]
    assert "the same task still waits" in [line["event"] for line in logged]


async def test_what_is_not_run_is_said(
    timetables: list[Timetable], absence: Callable[..., Any], logged: list[Any]
) -> None:
    schedule = Schedule(tick, every=YEAR, missed=Missed.ONCE)
    await absence(schedule, 3)
    await beat(schedule).look(timetables[0])
    [warning] = [line for line in logged if line["log_level"] == "warning"]
    assert (warning["schedule"], warning["runs"], warning["missed"]) == ("probe.tick", 2, "once")


async def test_one_that_cannot_be_written_keeps_no_other_from_it(
    timetables: list[Timetable], absence: Callable[..., Any], due_times: Callable[..., Any], logged: list[Any]
) -> None:
    @task("probe.broken", unique=lambda: str(1 / 0))
    async def broken(run: TaskRun) -> None: ...

    schedules = [Schedule(each, every=YEAR) for each in (broken, tick)]
    for schedule in schedules:
        await absence(schedule, 1)
    assert await beat(*schedules).look(timetables[0]) == following.AFTER_FAILURE
    assert len(await due_times()) == 1
    assert [line["schedule"] for line in logged if line["log_level"] == "error"] == ["probe.broken"]


async def test_a_slot_runs_as_any_task_and_knows_when_it_was_due(
    make_application: Callable[..., Application], timetables: list[Timetable], absence: Callable[..., Any]
) -> None:
    told: list[datetime | None] = []

    @task("probe.report")
    async def report(run: TaskRun) -> None:
        told.append(run.due_at)

    probe = make_application(report)
    missed = await absence(Schedule(report, every=YEAR), 1)
    await beat(Schedule(report, every=YEAR)).look(timetables[0])
    async with probe.database.unit_of_work() as session:
        await report.enqueue(session)
    assert await run_due_tasks(probe) == [("probe.report", Outcome.SUCCEEDED)] * 2
    assert told == [*missed, None]
