"""What a beat does at each look: it begins, writes or passes over slots, as each schedule says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog
from framework.tasks import Schedule

from background_tasks.beat.missed import Decision, begin, decide
from background_tasks.beat.timetable import State, Timetable

log = structlog.get_logger()
LONGEST_PAUSE = 15.0
AGAIN = 0.01
AFTER_FAILURE = 1.0
SEEN_EVERY = timedelta(seconds=10)
ABANDONED_AFTER = timedelta(minutes=1)
FORGET_EVERY = 3600.0


class Following:
    """One in each beat. It keeps nothing of what it has read: what it decides is refused when that has changed since."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = {schedule.entry: schedule for schedule in schedules}
        self._known: set[str] = set()
        # Not at once: after a day on which no beat ran, all of them are to be here first.
        self._forget_at = monotonic() + FORGET_EVERY

    async def look(self, timetable: Timetable) -> float:
        """Write what is due. Returns the seconds until something may be, from when it was called."""
        states = await timetable.read(list(self.schedules))
        pauses = [LONGEST_PAUSE]
        for entry, state in states.items():
            try:
                pauses.append(await self._follow(timetable, self.schedules[entry], state))
            except Exception:
                if timetable.is_lost:
                    raise
                log.exception("schedule not written, the others are", schedule=entry)
                pauses.append(AFTER_FAILURE)
        mine = [entry for entry, state in states.items() if state.fits(self.schedules[entry])]
        if any(states[entry].unseen_for > SEEN_EVERY for entry in mine):
            await timetable.touch(mine)
        if monotonic() >= self._forget_at:
            self._forget_at = monotonic() + FORGET_EVERY
            if forgotten := await timetable.forget():
                log.info("schedules forgotten, which no beat has seen for a day", schedules=forgotten)
        return min(pauses)

    async def _follow(self, timetable: Timetable, schedule: Schedule, state: State) -> float:
        fits = state.fits(schedule)
        if schedule.entry in self._known:
            if not fits and state.unseen_for < ABANDONED_AFTER:
                # A beat of another release came later and has changed it. Once that is gone, this one is here.
                return LONGEST_PAUSE
            if fits and state.next_due_at is not None and state.next_due_at > state.now:
                return _seconds(state, state.next_due_at)
        if state.timing != str(schedule.timing) or state.next_due_at is None:
            decision = begin(schedule, state.now)
        else:
            # At the first look also when nothing is due: the rules of a time zone may have changed.
            decision = decide(schedule, state.next_due_at, state.now)
        if not fits or decision.next_due_at != state.next_due_at:
            written = await timetable.write(schedule, state, decision)
            if written is None:
                return AGAIN
            if written:
                await timetable.wake_relays()
            _report(schedule, decision, written)
        self._known.add(schedule.entry)
        return LONGEST_PAUSE if decision.next_due_at is None else _seconds(state, decision.next_due_at)


def _seconds(state: State, due_at: datetime) -> float:
    return (due_at - state.now).total_seconds()


def _report(schedule: Schedule, decision: Decision, written: int) -> None:
    entry = schedule.entry
    if decision.last_due_at is None:
        log.info("schedule set", schedule=entry, timing=str(schedule.timing), next_due_at=decision.next_due_at)
    if written:
        log.info("scheduled task is due", schedule=entry, due_at=decision.last_due_at, runs=written)
    if decision.passed_over:
        log.warning("missed runs passed over", schedule=entry, runs=decision.passed_over, missed=schedule.missed)
    if waiting := len(decision.slots) - written:
        log.info("the same task still waits", schedule=entry, due_at=decision.last_due_at, runs=waiting)
