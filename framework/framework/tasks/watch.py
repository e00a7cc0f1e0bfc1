"""Looks after an effect while it runs, and cancels it where it awaits: its limits, its worker's end, its cancellation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from framework import deadline
from framework.tasks.failures import SoftLimitError
from framework.tasks.signals import Signal
from framework.tasks.stopping import Stopping

log = structlog.get_logger()
HEARTBEAT = 1.0


class CancelRequestedError(Exception):
    """Somebody asked to cancel the task that runs."""


class OutOfTimeError(Exception):
    """Its worker ends, and has no more time for it."""


@asynccontextmanager
async def watched(signal: Signal, stopping: Stopping, soft_limit: float) -> AsyncIterator[None]:
    """Raises ``SoftLimitError``, ``OutOfTimeError`` or ``CancelRequestedError`` in the block, where it awaits.

    What is left is the block's deadline: its calls of other services and its statements take no longer than that.
    """
    # Inside the loop, where a cancelled coroutine really ends. Celery's soft limit raises out of a signal handler, and
    # the coroutine lives on to finish its effect during the next task.
    limit = asyncio.timeout(soft_limit)
    watch = _Watch(signal, stopping, limit, soft_limit, SoftLimitError(f"It was not done after {soft_limit:g} s"))
    token = deadline.current.set(watch.deadline)
    try:
        async with limit:
            watch.begin()
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise watch.reason from error
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        # Nobody cancelled the task itself. As it is, this would end its process, and say nothing of why.
        raise RuntimeError("It awaited something that was cancelled") from error
    finally:
        deadline.current.reset(token)
        await watch.end()


class _Watch:
    """A timer that a short task never sees fire; an asyncio task at its side would cost it more than its statements."""

    def __init__(
        self, signal: Signal, stopping: Stopping, limit: asyncio.Timeout, seconds: float, reason: Exception
    ) -> None:
        self.deadline = deadline.Deadline(asyncio.get_running_loop().time() + seconds)
        self.reason = reason
        self._signal = signal
        self._stopping = stopping
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._beating: asyncio.Task[None] | None = None
        self._over = False

    def begin(self) -> None:
        self._timer = self._loop.call_later(HEARTBEAT, self._tick)
        self._heed_deadline()

    async def end(self) -> None:
        self._over = True
        self._timer.cancel()
        if self._beating is not None:
            await self._beating

    def _tick(self) -> None:
        self._timer = self._loop.call_later(HEARTBEAT, self._tick)
        self._heed_deadline()
        if self._beating is None or self._beating.done():
            self._beating = self._loop.create_task(self._beat())

    async def _beat(self) -> None:
        try:
            if await self._signal.beat():
                self._stop_at(self._loop.time(), CancelRequestedError())
            await self._signal.write_lines()
        except Exception as error:  # noqa: BLE001 - the task goes on without
            log.warning("no heartbeat", error=repr(error))

    def _heed_deadline(self) -> None:
        if (deadline := self._stopping.deadline()) is not None:
            # The loop's clock is `time.monotonic`.
            self._stop_at(deadline, OutOfTimeError())

    def _stop_at(self, when: float, reason: Exception) -> None:
        before = self._limit.when()
        if self._over or self._limit.expired() or (before is not None and before <= when):
            return
        self.reason = reason
        self.deadline.at = when
        self._limit.reschedule(when)
