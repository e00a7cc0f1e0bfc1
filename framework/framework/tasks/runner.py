"""Runs one row of the outbox: locks it, and commits its effect together with the mark that it is done.

After that commit there is nothing left to lock, so it happens once. A worker that dies lets go of the lock, and nothing
of its transaction stays.
"""

from time import monotonic
from uuid import UUID

import structlog

from framework.application import Application
from framework.correlation import bound, correlation_id
from framework.tasks import metrics
from framework.tasks.attempt import Attempt, Next, Result
from framework.tasks.registry import tasks_of
from framework.tasks.stopping import Endless, Stopping

__all__ = ["Next", "Result", "Runner"]
log = structlog.get_logger()


class Runner:
    """``worker`` is what history names it by."""

    def __init__(self, application: Application, worker: str, stopping: Stopping | None = None) -> None:
        self.application = application
        self.tasks = tasks_of(application.modules)
        self.worker = worker
        self.stopping: Stopping = stopping or Endless()
        metrics.prepare(self.tasks)

    async def run(self, task_id: UUID) -> Result:
        """As far as it gets here. Raises only when the database does not answer; the row is published again then."""
        began = monotonic()
        with bound(correlation_id()):
            attempt = Attempt(self.application, self.tasks, self.worker, self.stopping, task_id)
            result = await attempt.run()
            seconds = monotonic() - began
            metrics.count(attempt.name if attempt.name in self.tasks else metrics.UNKNOWN, result, seconds)
            log.info(
                "task",
                task=attempt.name,
                task_id=str(task_id),
                attempt=attempt.number,
                result=result.name.lower(),
                milliseconds=round(seconds * 1000, 1),
            )
            return result
