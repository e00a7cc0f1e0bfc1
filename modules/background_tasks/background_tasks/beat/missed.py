"""Which of the slots that are due run, by the schedule's policy for missed ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from framework.tasks import Missed, Schedule
from framework.tasks.timing import Timing

IN_TIME = timedelta(minutes=1)
MOST_AT_ONCE = 1000
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a schedule: ``slots`` become tasks, and ``next_due_at`` is looked at next."""

    slots: tuple[datetime, ...]
    passed_over: int
    """Slots that were due and do not run; of a very long absence, at least so many."""
    last_due_at: datetime | None
    next_due_at: datetime | None
    valid_until: datetime
    """Whoever comes later to carry it out has slept in between, and must look again."""


def begin(schedule: Schedule, now: datetime) -> Decision:
    """For one that is new, or has a new timing: nothing is due before its next slot."""
    return Decision((), 0, None, next(schedule.timing.after(now), None), now + IN_TIME)


def decide(schedule: Schedule, first: datetime, now: datetime) -> Decision:
    """For one whose slots until ``first`` are dealt with."""
    due = _due(schedule.timing, first, now)
    slots, valid_until = due[-1:], now + IN_TIME
    if schedule.missed is Missed.ALL:
        slots = due[-MOST_AT_ONCE:]
    elif schedule.missed is Missed.SKIP and due:
        in_time_until = due[-1] + IN_TIME
        slots, valid_until = (slots, in_time_until) if now <= in_time_until else ((), valid_until)
    following = next(schedule.timing.after(now), None)
    return Decision(slots, len(due) - len(slots), due[-1] if due else None, following, valid_until)


def _due(timing: Timing, first: datetime, now: datetime) -> tuple[datetime, ...]:
    """From ``first`` to ``now``; once they are more than may run, only the latest."""
    window = timedelta(hours=1)
    while True:
        start = max(first, now - window)
        due = tuple(takewhile(lambda slot: slot <= now, timing.after(start - INSTANT)))
        if start == first or len(due) > MOST_AT_ONCE:
            return due
        window *= 4
