"""One worker's go at a task: a transaction, or one after another where the task has steps."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum
from functools import partial
from time import monotonic
from uuid import UUID

import structlog

from framework import tracing
from framework.application import Application
from framework.correlation import set_correlation_id
from framework.database import DatabaseUnavailable, is_connection_lost
from framework.deadline import within
from framework.tasks.declaration import Outcome, Task
from framework.tasks.failures import LostWorkerError, describe
from framework.tasks.guard import LockedRow, lock
from framework.tasks.retry import RetryLater
from framework.tasks.run import TaskRun
from framework.tasks.signals import Signal
from framework.tasks.stopping import Stopping
from framework.tasks.tables import TaskState
from framework.tasks.transaction import Transaction
from framework.tasks.watch import CancelRequestedError, OutOfTimeError, watched
from framework.trace_context import set_trace

log = structlog.get_logger()
# Between two steps the row is nobody's for a moment; should its worker end just then, a relay publishes it after this.
NEXT_STEP_WITHIN = timedelta(seconds=5)
# A worker's pool has one for the effect and one for what it signals.
CONNECTIONS = 2


class Next(Enum):
    """What becomes of a task that has not ended."""

    STEP = "the next step, here"
    GIVEN_BACK = "it waits for another worker"
    REPEATED = "it runs again later"
    ELSEWHERE = "another worker has it, or it has ended"
    PARKED = "no module here knows it"


Result = Outcome | Next


class Attempt:
    def __init__(
        self, application: Application, tasks: dict[str, Task], worker: str, stopping: Stopping, task_id: UUID
    ) -> None:
        self.application = application
        self.tasks = tasks
        self.worker = worker
        self.stopping = stopping
        self.task_id = task_id
        self.signal = Signal(application.database, task_id)
        self.began = monotonic()
        self.name = ""
        self.number = 0
        """Of the starts of this task; 0 until it has started here."""
        self.error: Exception | None = None
        """Why it has failed for good."""

    async def run(self) -> Result:
        """Raises only when the database does not answer."""
        result = await self._answered(self._steps)
        await self._write_lines()
        if result is Outcome.FAILED:
            # What alerts look for.
            log.error("dead letter", task=self.name, task_id=str(self.task_id))
            if self.error is not None:
                self.application.error_reports.task(self.error, self.name)
        return result

    async def _steps(self) -> Result:
        try:
            while (result := await self._step()) is Next.STEP:
                pass
        except Exception as error:
            if not self.number:
                raise
            if not isinstance(error, CancelRequestedError | OutOfTimeError):
                log.error("task failed", task=self.name, task_id=str(self.task_id), attempt=self.number, exc_info=error)
            return await self._answered(partial(self._fail, error))
        return result

    async def _answered(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Once more for each connection that may have been lost while it lay in the pool; not what has begun."""
        number = self.number
        for _ in range(CONNECTIONS):
            try:
                return await work()
            except DatabaseUnavailable as error:
                if self.number != number or not is_connection_lost(error):
                    raise
        return await work()

    async def _step(self) -> Result:
        async with Transaction(self.application.database) as transaction:
            row = await self._lock(transaction)
            if row is None:
                return Next.ELSEWHERE
            task = self.tasks.get(row.name)
            if task is None:
                return Next.PARKED
            if not self.number and row.lost:
                await self.signal.lost()
            if row.cancel_requested:
                return await self._end(task, row, Outcome.CANCELLED)
            if not self.number:
                if row.attempt - row.step_attempt >= task.retry.max_attempts:
                    lost = LostWorkerError(f"None of {task.retry.max_attempts} attempts came to its end")
                    return await self._end(task, row, Outcome.FAILED, lost)
                # Counted before the effect and beside its transaction, so that an attempt that ends its process counts.
                self.number = await self.signal.start(self.worker, durable=task.external)
            cursor = await self._work(task, row)
            if cursor is None:
                return await self._end(task, row, Outcome.SUCCEEDED)
            return await self._keep(task, row, cursor)

    async def _fail(self, error: Exception) -> Result:
        """Record why the attempt failed, in a transaction of its own: that of the effect is gone."""
        async with Transaction(self.application.database) as transaction:
            row = await self._lock(transaction)
            if row is None:
                return Next.ELSEWHERE
            task = self.tasks[row.name]
            if isinstance(error, CancelRequestedError):
                return await self._end(task, row, Outcome.CANCELLED)
            if isinstance(error, OutOfTimeError):
                await row.hand_back(uncounted=1)
                self._wake_relays(row)
                return Next.GIVEN_BACK
            await row.failed(self.number, self.worker, describe(error))
            tries = self.number - row.step_attempt
            if tries >= task.retry.max_attempts:
                return await self._end(task, row, Outcome.FAILED, error)
            if row.cancel_requested:
                return await self._end(task, row, Outcome.CANCELLED)
            delay = error.after if isinstance(error, RetryLater) else task.retry.delay(tries)
            await row.repeat_later(describe(error), delay)
            return Next.REPEATED

    async def _lock(self, transaction: Transaction) -> LockedRow | None:
        row = await lock(transaction, self.task_id)
        if row is not None:
            self.name = row.name
            set_correlation_id(row.correlation_id)
            set_trace(row.traceparent.encode() if row.traceparent else None, None)
        return row

    async def _work(self, task: Task, row: LockedRow) -> str | None:
        """The effect, within its limits. Returns the cursor of the next step as JSON."""
        arguments = task.arguments.load(row.arguments)
        tries = self.number - row.step_attempt
        run = TaskRun(self.application, row.transaction, self.task_id, row.steps, tries, row.due_at, self.signal)
        attributes = {
            "messaging.destination.name": task.queue,
            "seamark.task_id": str(self.task_id),
            "seamark.attempt": tries,
        }
        async with watched(self.signal, self.stopping, task.soft_limit):
            with (
                self.signal.lines.gathered(),
                tracing.span(task.name, "consumer", attributes, row.traceparent or ""),
            ):
                if task.cursor is None:
                    await task.function(run, **arguments)
                    cursor = None
                else:
                    before = None if row.cursor is None else task.cursor.validate_json(row.cursor)
                    cursor = await task.function(run, before, **arguments)
        await self.signal.finish()
        return None if cursor is None or task.cursor is None else task.cursor.dump_json(cursor).decode()

    async def _keep(self, task: Task, row: LockedRow, cursor: str) -> Result:
        """Store where the next step goes on, and decide whether it may start here: not if the hard limit could hit it."""
        spent = monotonic() - self.began
        if self.stopping.is_set() or spent + task.soft_limit >= task.hard_limit:
            # The next step's attempts count from the one after this.
            await row.next_step(cursor, self.number, timedelta(0))
            await row.rest()
            self._wake_relays(row)
            return Next.GIVEN_BACK
        await row.next_step(cursor, self.number - 1, NEXT_STEP_WITHIN)
        return Next.STEP

    async def _end(self, task: Task, row: LockedRow, outcome: Outcome, error: Exception | None = None) -> Outcome:
        self.error = error
        await row.end(TaskState(outcome), None if error is None else describe(error))
        if row.order_key is not None:
            self._wake_relays(row)
        if task.on_end is not None:
            await self._tell(task, row, outcome)
        return outcome

    async def _tell(self, task: Task, row: LockedRow, outcome: Outcome) -> None:
        """Its ``on_end``. Where that raises, a success has failed; any other end is one all the same, or it never ends."""
        session = row.transaction.session

        async def tell() -> None:
            assert task.on_end is not None
            # It hangs after each attempt anew: the hard limit would kill a process each time, and never end the task.
            with within(task.soft_limit) as ends_at:
                async with asyncio.timeout_at(ends_at):
                    await task.on_end(session, outcome, **task.arguments.load(row.arguments))

        if outcome is Outcome.SUCCEEDED:
            await tell()
            return
        try:
            async with session.begin_nested():
                await tell()
        except Exception as error:
            if is_connection_lost(error):
                raise
            log.exception("task could not be told its end", task=task.name, task_id=str(self.task_id))

    def _wake_relays(self, row: LockedRow) -> None:
        row.transaction.after_commit(self.application.waker.wake)

    async def _write_lines(self) -> None:
        try:
            await self.signal.write_lines()
        except Exception as error:  # noqa: BLE001 - they are in the log, too
            log.warning("a task's log lines not kept", error=repr(error))
