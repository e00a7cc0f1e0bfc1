"""What a worker says of itself: that it consumes. Said from its consumer's loop, for one that hangs must fall silent."""

import os
import signal
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog

from background_tasks.worker.alive import AliveFile

log = structlog.get_logger()
SECOND_CHANCE = 5.0
SOFTWARE_ERROR = 70
"""Exit status of a worker that gives itself up (``EX_SOFTWARE`` of sysexits.h): its supervisor starts another."""


class Consumption:
    """Judges whether a worker that could take messages does."""

    def __init__(self, patience: float, clock: Callable[[], float] = monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._received = -1
        self._stands_since: float | None = None

    def observe(self, received: int, idle_children: int, waiting: int | None) -> None:
        """``received`` counts all messages so far; ``waiting`` are those in the broker, if that is known."""
        if received != self._received or not idle_children or not waiting:
            self._received, self._stands_since = received, None
        elif self._stands_since is None:
            self._stands_since = self._clock()

    @property
    def stands_for(self) -> float:
        """Seconds for which messages have waited, a child had nothing to do, and nothing came."""
        return 0.0 if self._stands_since is None else self._clock() - self._stands_since

    @property
    def is_stale(self) -> bool:
        return self.stands_for >= self._patience


class Heartbeat:
    """Of a worker's parent, at every turn of its loop. Once none came for ``patience`` seconds, the process ends.

    By an alarm of the kernel's, which also reaches a loop that waits in a call which does not come back.
    """

    def __init__(self, worker: str, patience: float) -> None:
        self._patience = patience
        self._last_chance = False
        try:
            self._file: AliveFile | None = AliveFile(worker)
        except OSError as error:
            log.warning("sm worker-alive will not find this worker", error=str(error))
            self._file = None
        signal.signal(signal.SIGALRM, self._overdue)

    def beat(self, state: str) -> None:
        """``state`` is what ``sm worker-alive`` answers."""
        self._last_chance = False
        signal.setitimer(signal.ITIMER_REAL, self._patience)
        if self._file is not None:
            try:
                self._file.touch(state)
            except OSError as error:
                log.warning("no sign of life written", error=str(error))

    def end(self) -> None:
        """The worker ends in good order."""
        if self._file is not None:
            self._file.remove()

    def _overdue(self, *_: Any) -> None:
        if not self._last_chance:
            # The whole process may have been frozen, and goes on this moment.
            self._last_chance = True
            signal.setitimer(signal.ITIMER_REAL, SECOND_CHANCE)
            return
        try:
            log.error("the consumer's loop stands still, giving up", seconds=self._patience + SECOND_CHANCE)
        finally:
            os._exit(SOFTWARE_ERROR)
