"""Which of the slots that are due run."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from background_tasks.beat.missed import IN_TIME, MOST_AT_ONCE, Decision, begin, decide
from framework.tasks import Missed, Schedule, TaskRun, task

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@task("probe.tick")
async def tick(run: TaskRun) -> None: ...


def hourly(missed: Missed) -> Schedule:
    return Schedule(tick, every=HOUR, missed=missed)


def hours(decision: Decision) -> list[int]:
    return [slot.hour for slot in decision.slots]


@pytest.mark.parametrize("missed", Missed)
def test_a_slot_seen_in_time_runs(missed: Missed) -> None:
    decision = decide(hourly(missed), NOON, NOON + IN_TIME)
    assert decision.slots == (NOON,)
    assert (decision.last_due_at, decision.next_due_at, decision.passed_over) == (NOON, NOON + HOUR, 0)


@pytest.mark.parametrize(
    ("missed", "late", "runs"),
    [
        (Missed.SKIP, timedelta(0), [15]),
        (Missed.SKIP, IN_TIME + SECOND, []),
        (Missed.ONCE, timedelta(0), [15]),
        (Missed.ONCE, IN_TIME + SECOND, [15]),
        (Missed.ALL, timedelta(0), [12, 13, 14, 15]),
        (Missed.ALL, IN_TIME + SECOND, [12, 13, 14, 15]),
    ],
)
def test_of_four_that_no_beat_saw_those_run_that_the_policy_says(
    missed: Missed, late: timedelta, runs: list[int]
) -> None:
    decision = decide(hourly(missed), NOON, NOON + 3 * HOUR + late)
    assert hours(decision) == runs
    assert decision.passed_over == 4 - len(runs)
    assert (decision.last_due_at, decision.next_due_at) == (NOON + 3 * HOUR, NOON + 4 * HOUR)


def test_of_very_many_the_latest_thousand_run() -> None:
    schedule = Schedule(tick, every=SECOND, missed=Missed.ALL)
    decision = decide(schedule, NOON - timedelta(days=3650), NOON)
    assert decision.slots == tuple(NOON - number * SECOND for number in reversed(range(MOST_AT_ONCE)))
    assert decision.passed_over > 0


@pytest.mark.parametrize(
    ("expression", "runs"), [("* * * * *", MOST_AT_ONCE), ("0 3 * * *", MOST_AT_ONCE), ("0 0 29 2 *", 2)]
)
def test_an_absence_of_ten_years_is_looked_through_at_once(expression: str, runs: int) -> None:
    schedule = Schedule(tick, cron=expression, timezone="Europe/Berlin", missed=Missed.ALL)
    first = next(schedule.timing.after(NOON - timedelta(days=3650)))
    decision = decide(schedule, first, NOON)
    assert len(decision.slots) == len(set(decision.slots)) == runs
    assert decision.slots[-1] == decision.last_due_at == max(slot for slot in decision.slots if slot <= NOON)


@pytest.mark.parametrize("missed", Missed)
def test_nothing_is_due_before_the_next_slot(missed: Missed) -> None:
    for decision in (begin(hourly(missed), NOON), decide(hourly(missed), NOON + HOUR, NOON)):
        assert (decision.slots, decision.last_due_at, decision.next_due_at) == ((), None, NOON + HOUR)


def test_a_time_that_the_rules_of_its_zone_have_moved_is_looked_for_anew() -> None:
    schedule = Schedule(tick, cron="0 3 * * *", timezone="Europe/Berlin")
    noted = datetime(2026, 11, 21, 1, tzinfo=UTC)
    assert decide(schedule, noted, NOON).next_due_at == noted + HOUR
    late = decide(schedule, noted, noted + SECOND)
    assert (late.slots, late.next_due_at) == ((), noted + HOUR)


@pytest.mark.parametrize(
    ("missed", "valid"),
    [(Missed.SKIP, lambda slot, now: slot + IN_TIME), (Missed.ONCE, lambda slot, now: now + IN_TIME)],
)
def test_who_sleeps_over_a_decision_must_look_again(
    missed: Missed, valid: Callable[[datetime, datetime], datetime]
) -> None:
    now = NOON + 20 * SECOND
    assert decide(hourly(missed), NOON, now).valid_until == valid(NOON, now)
