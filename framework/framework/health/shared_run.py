"""One run for all who ask meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context

from prometheus_client import Counter

RUNS = Counter("seamark_health_runs", "Times that a check was really run; it may have answered many.", ["check"])


class SharedRun[T]:
    """Whoever asks while ``run`` is under way waits for that one. One that gives up waiting does not end it."""

    def __init__(self, run: Callable[[], Awaitable[T]]) -> None:
        self._run = run
        self._task: asyncio.Task[T] | None = None

    async def join(self) -> T:
        if self._task is None:
            # In nobody's context: the deadline, the share of the pool and the ids of whoever asks first are not the others'.
            self._task = asyncio.get_running_loop().create_task(self._once(), context=Context())
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def _once(self) -> T:
        try:
            return await self._run()
        finally:
            self._task = None


async def within[T](seconds: float, work: Awaitable[T], left: set[asyncio.Future[T]]) -> T:
    """What ``work`` returns. Raises ``TimeoutError`` on time, even if it does not let itself be cancelled; then it is in
    ``left`` until it has ended."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            left.add(task)
            task.add_done_callback(left.discard)
            # Whatever it still raises is nobody's any more.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
    if task.done():
        return task.result()
    raise TimeoutError
