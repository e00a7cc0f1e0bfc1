"""Runs one row of the outbox: locks it, and commits its effect together with the mark that it is done.

After that commit there is nothing left to lock, so it happens once. A worker that dies lets go of the lock, and nothing
of its transaction stays.
"""

import asyncio
from datetime import timedelta
from enum import Enum
from time import monotonic
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from framework.application import Application
from framework.correlation import bound, correlation_id, set_correlation_id
from framework.database import is_connection_lost
from framework.tasks.declaration import Outcome, Task
from framework.tasks.failures import LostWorkerError, SoftLimitError, describe
from framework.tasks.guard import LockedRow, lock
from framework.tasks.registry import tasks_of
from framework.tasks.run import TaskRun
from framework.tasks.signals import CancelRequestedError, Signal
from framework.tasks.tables import TaskState
from framework.tasks.wake import wake_relays

log = structlog.get_logger()
LONGEST_BACKOFF = 300.0
# Between two steps the row is nobody's for a moment; should its worker end just then, a relay publishes it after this.
STEP_LEASE = timedelta(seconds=5)


class Next(Enum):
    """What becomes of a task that has not ended."""

    STEP = "the next step, here"
    GIVEN_BACK = "its next step waits for a worker"
    REPEATED = "it runs again later"
    ELSEWHERE = "another worker has it, or it has ended"
    PARKED = "no module here knows it"


Result = Outcome | Next


class Stopping(Protocol):
    """Whether the worker has been told to end, and until when it may finish what it has begun."""

    def is_set(self) -> bool: ...

    def deadline(self) -> float | None:
        """By ``time.monotonic``; ``None`` while it has not been told."""


class Endless:
    """For a process that nobody tells to end."""

    def is_set(self) -> bool:
        return False

    def deadline(self) -> float | None:
        return None


class Runner:
    """``worker`` is what history names it by. A long task is given back between two steps once ``stopping`` says so."""

    def __init__(self, application: Application, worker: str, stopping: Stopping | None = None) -> None:
        self.application = application
        self.tasks = tasks_of(application.modules)
        self.worker = worker
        self.stopping: Stopping = stopping or Endless()

    async def run(self, task_id: UUID) -> Result:
        """As far as it gets here. Raises only when the database does not answer; the lease brings the task back then."""
        with bound(correlation_id()):
            attempt = Attempt(self, task_id)
            try:
                while (result := await attempt.step()) is Next.STEP:
                    pass
            except Exception as error:  # noqa: BLE001 - whatever a task raises is its failure, and is kept
                result = await attempt.fail(error)
            log.info(
                "task",
                task=attempt.name,
                task_id=str(task_id),
                attempt=attempt.number,
                result=result.name.lower(),
                milliseconds=round((monotonic() - attempt.began) * 1000, 1),
            )
            return result


class Attempt:
    """One worker's go at a task: a transaction, or one after another where the task has steps."""

    def __init__(self, runner: Runner, task_id: UUID) -> None:
        self.runner = runner
        self.database = runner.application.database
        self.task_id = task_id
        self.signal = Signal(self.database, task_id)
        self.began = monotonic()
        self.name = ""
        self.number = 0

    async def step(self) -> Result:
        async with self.database.unit_of_work() as session:
            row = await self._lock(session)
            if row is None:
                return Next.ELSEWHERE
            task = self.runner.tasks.get(row.name)
            if task is None:
                return Next.PARKED
            if self.number == 0:
                # Counted before the effect and beside its transaction, so that an attempt that ends its process counts.
                self.number = await self.signal.start(self.runner.worker)
            if row.cancel_requested:
                return await self._end(session, task, row, Outcome.CANCELLED)
            tries = self.number - row.step_attempt
            if tries > task.retry.max_attempts:
                lost = LostWorkerError(f"None of {task.retry.max_attempts} attempts came to its end")
                return await self._end(session, task, row, Outcome.FAILED, lost)
            run = TaskRun(self.runner.application, session, self.task_id, tries, self.signal)
            cursor = await self._work(task, run, row)
            if cursor is None:
                return await self._end(session, task, row, Outcome.SUCCEEDED)
            return await self._keep(session, task, row, cursor)

    async def fail(self, error: Exception) -> Result:
        """Record why the attempt failed, in a transaction of its own: that of the effect is gone."""
        try:
            return await self._fail(error, tell=True)
        except Exception as second:
            if is_connection_lost(second):
                raise
            # Its `on_end` raises. Then the task ends without: it must not come back for ever.
            log.exception("task could not be told its end", task=self.name)
            return await self._fail(second, tell=False)

    async def _fail(self, error: Exception, *, tell: bool) -> Result:
        async with self.database.unit_of_work() as session:
            row = await self._lock(session)
            if row is None:
                return Next.ELSEWHERE
            task = self.runner.tasks[row.name]
            if isinstance(error, CancelRequestedError):
                return await self._end(session, task, row, Outcome.CANCELLED, tell=tell)
            log.error("task failed", task=task.name, attempt=self.number, exc_info=error)
            tries = self.number - row.step_attempt
            if tries >= task.retry.max_attempts:
                return await self._end(session, task, row, Outcome.FAILED, error, tell=tell)
            backoff = timedelta(seconds=min(2.0**tries, LONGEST_BACKOFF))
            await row.repeat_later(session, describe(error), backoff)
            return Next.REPEATED

    async def _lock(self, session: AsyncSession) -> LockedRow | None:
        row = await lock(session, self.task_id)
        if row is not None:
            self.name = row.name
            set_correlation_id(row.correlation_id)
        return row

    async def _work(self, task: Task, run: TaskRun, row: LockedRow) -> str | None:
        """The effect, within its limits. Returns the cursor of the next step as JSON."""
        arguments = task.arguments.load(row.arguments)
        # Inside the loop, where a cancelled coroutine really ends. Celery's soft limit raises out of a signal handler,
        # and the coroutine lives on to finish its effect during the next task.
        try:
            async with asyncio.timeout(task.soft_limit) as limit, self.signal.watched():
                if task.cursor is None:
                    await task.function(run, **arguments)
                    cursor = None
                else:
                    before = None if row.cursor is None else task.cursor.validate_json(row.cursor)
                    cursor = await task.function(run, before, **arguments)
        except TimeoutError as error:
            if limit.expired():
                raise SoftLimitError(f"It was not done after {task.soft_limit:g} s") from error
            raise
        await self.signal.finish()
        return None if cursor is None or task.cursor is None else task.cursor.dump_json(cursor).decode()

    async def _keep(self, session: AsyncSession, task: Task, row: LockedRow, cursor: str) -> Result:
        """Store where the next step goes on, and decide whether it may start here: not if the hard limit could hit it."""
        spent = monotonic() - self.began
        if self.runner.stopping.is_set() or spent + task.soft_limit >= task.hard_limit:
            # The next step's attempts count from the one after this.
            await row.next_step(session, cursor, self.number, timedelta(0))
            wake_relays(session)
            return Next.GIVEN_BACK
        await row.next_step(session, cursor, self.number - 1, STEP_LEASE)
        return Next.STEP

    async def _end(
        self,
        session: AsyncSession,
        task: Task,
        row: LockedRow,
        outcome: Outcome,
        error: Exception | None = None,
        *,
        tell: bool = True,
    ) -> Outcome:
        await row.end(session, TaskState(outcome), None if error is None else describe(error))
        if tell and task.on_end is not None:
            await task.on_end(session, outcome, **task.arguments.load(row.arguments))
        return outcome
