"""The end of a worker, in its parent: tasks have until the deadline, then their processes are killed, then it goes."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog

from background_tasks.worker.liveness import SOFTWARE_ERROR
from background_tasks.worker.stopping import Stopping

log = structlog.get_logger()
KILL_AFTER = 2.0
"""Seconds from the deadline, at which a task is cancelled where it awaits, until what still runs is killed."""
LEAVE_AFTER = 2.5
"""From then until the parent leaves whatever it waits for, such as a broker that does not answer."""


class Shutdown:
    """Celery's own warm shutdown does the work: it takes nothing more, waits for its children and hands back the rest.

    But it waits for ever. So an alarm bounds it, which also reaches a parent that hangs in a call.
    """

    def __init__(self, stopping: Stopping, grace: float, children: Callable[[], Sequence[int]]) -> None:
        self._stopping = stopping
        self._grace = grace
        self._children = children

    def begin(self) -> None:
        """Called in a signal handler, too; only the first call counts."""
        if self._stopping.is_set():
            return
        self._stopping.begin(self._grace)
        signal.signal(signal.SIGALRM, self._kill)
        signal.setitimer(signal.ITIMER_REAL, self._grace + KILL_AFTER, LEAVE_AFTER)

    def end(self) -> None:
        """All is done but for the interpreter's own end, in which Python no longer handles signals: an alarm would kill it."""
        signal.signal(signal.SIGALRM, self._leave)
        signal.setitimer(signal.ITIMER_REAL, LEAVE_AFTER, LEAVE_AFTER)

    def _kill(self, *_: Any) -> None:
        signal.signal(signal.SIGALRM, self._leave)
        # What they held is free at once: Postgres rolls back, and the broker has the messages again.
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _leave(self, *_: Any) -> None:
        try:
            log.error("the shutdown does not come to its end, leaving", grace=self._grace)
        finally:
            os._exit(SOFTWARE_ERROR)
