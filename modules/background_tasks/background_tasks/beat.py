"""``celery -A background_tasks.celery_app beat``: writes each due slot of each schedule into the outbox, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import structlog
from celery import beat
from framework.tasks import Schedule
from framework.tasks.outbox import add_slot

from background_tasks.composition import Composition

log = structlog.get_logger()
LONGEST_SLEEP = 60.0
AFTER_FAILURE = 1.0


class Scheduler(beat.Scheduler):
    """Any number of beats may run and none leads: a slot is a row unique by schedule and due time. No file on disk."""

    def setup_schedule(self) -> None:
        composition: Composition = self.app.composition
        self._schedules = [schedule for module in composition.modules for schedule in module.schedules]
        self._written: dict[str, datetime] = {}
        self._application = composition.connect("beat")
        self._loop = asyncio.new_event_loop()

    @property
    def info(self) -> str:
        return "    . schedules -> those of the enabled modules, in Postgres"

    def tick(self, *_: Any, **__: Any) -> float:
        """Write what is due; returns the seconds until something may be."""
        now = time()
        try:
            self._loop.run_until_complete(self._write_due(now))
        except Exception as error:  # noqa: BLE001 - whatever it is, a beat that ends writes nothing any more
            log.warning("schedules not written, trying again", error=repr(error))
            return AFTER_FAILURE
        return min((seconds_to_next(schedule, now) for schedule in self._schedules), default=LONGEST_SLEEP)

    async def _write_due(self, now: float) -> None:
        due = {schedule.entry: (schedule, slot(schedule, now)) for schedule in self._schedules}
        new = [(entry, *pair) for entry, pair in due.items() if self._written.get(entry) != pair[1]]
        if not new:
            return
        async with self._application.database.unit_of_work() as session:
            for entry, schedule, due_at in new:
                if await add_slot(session, schedule.task.name, schedule.task.queue, entry, due_at):
                    log.info("scheduled task is due", schedule=entry, due_at=due_at.isoformat())
        self._written |= {entry: due_at for entry, _, due_at in new}
        await self._application.waker.flush()

    def close(self) -> None:
        """Called for a signal, too, which may arrive in the middle of ``tick``; and once more afterwards."""
        if not self._loop.is_running() and not self._loop.is_closed():
            self._loop.run_until_complete(self._application.close())
            self._loop.close()


def slot(schedule: Schedule, now: float) -> datetime:
    """The latest multiple of the interval since the epoch: the same on every machine, whenever its beat started."""
    seconds = schedule.every.total_seconds()
    return datetime.fromtimestamp(now // seconds * seconds, UTC)


def seconds_to_next(schedule: Schedule, now: float) -> float:
    return (slot(schedule, now) + schedule.every - datetime.fromtimestamp(now, UTC)) / timedelta(seconds=1)
