"""``celery -A background_tasks.celery_app beat``: writes each due slot of each schedule into the outbox, once."""

import asyncio
import os
from contextlib import ExitStack
from time import monotonic
from typing import Any

import structlog
from celery import beat
from framework.metrics.exporter import exported
from framework.metrics.postgres import gauges_of

from background_tasks.beat.following import LONGEST_PAUSE, Following
from background_tasks.beat.timetable import Timetable
from background_tasks.composition import Composition
from background_tasks.worker.alive import BEAT, AliveFile

log = structlog.get_logger()
AFTER_FAILURE = 1.0
# A server that is frozen or cut off does not say so.
LONGEST_TICK = 10.0


class Scheduler(beat.Scheduler):
    """Any number of beats may run and none leads: Postgres knows how far each schedule is. No file on disk."""

    def setup_schedule(self) -> None:
        composition: Composition = self.app.composition
        self._following = Following([item for module in composition.modules for item in module.schedules])
        self._failures = 0
        self._application = composition.connect("beat")
        self._loop = asyncio.new_event_loop()
        self._stack = ExitStack()
        try:
            self._alive: AliveFile | None = AliveFile(f"beat-{os.getpid()}", BEAT)
        except OSError as error:
            log.warning("sm beat-alive will not find this beat", error=str(error))
            self._alive = None
        self._stack.enter_context(exported(composition.settings, "beat", gauges_of(composition.modules)))

    @property
    def info(self) -> str:
        return "    . schedules -> those of the enabled modules, in Postgres"

    def tick(self, *_: Any, **__: Any) -> float:
        """Write what is due; returns the seconds until something may be."""
        self._give_sign()
        try:
            pause = self._loop.run_until_complete(self._tick())
        except Exception as error:  # noqa: BLE001 - whatever it is, a beat that ends writes nothing any more
            if not self._failures:
                log.warning("schedules not written, trying again every second", error=repr(error))
            self._failures += 1
            return AFTER_FAILURE
        if self._failures:
            log.info("schedules written again", failures=self._failures)
            self._failures = 0
        return pause

    def close(self) -> None:
        """Called for a signal, too, which may arrive in the middle of ``tick``; and once more afterwards."""
        if not self._loop.is_running() and not self._loop.is_closed():
            self._loop.run_until_complete(self._application.close())
            self._loop.close()
            self._stack.close()
            if self._alive is not None:
                self._alive.remove()

    def _give_sign(self) -> None:
        if self._alive is not None:
            try:
                self._alive.touch("looks at its schedules")
            except OSError as error:
                log.warning("no sign of life written", error=str(error))

    async def _tick(self) -> float:
        if not self._following.schedules:
            return LONGEST_PAUSE
        began = monotonic()
        async with asyncio.timeout(LONGEST_TICK), self._application.database.driver_connection() as connection:
            pause = await self._following.look(Timetable(connection))
        # Less what has passed since Postgres told the time: this process may have been frozen meanwhile.
        return max(pause - (monotonic() - began), 0.0)
