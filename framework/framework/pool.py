"""The pool of database connections, of which one module can hold no more than its share."""

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any

from prometheus_client import Counter, Histogram
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_
from sqlalchemy.util.queue import Empty

NOBODY = "seamark"
"""What metrics call those who borrow in no module's name."""
SHARE = 0.7
"""Of the pool, for one module: what hangs in its statements leaves connections for the others."""

WAITED = Histogram(
    "seamark_pool_wait_seconds",
    "How long a wait for a database connection took, where there was one.",
    ["module"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10),
)
TIMEOUTS = Counter("seamark_pool_timeouts", "Waits for a database connection that ended without one.", ["module"])

_borrower: ContextVar[str | None] = ContextVar("borrower", default=None)


def borrow_for(module: str | None) -> None:
    """What runs from here on, and what it starts, takes its connections out of this module's share; ``None``: of no share."""
    _borrower.set(module)


class Share:
    """A number of connections that those who wait get in the order in which they came."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_free(self) -> bool:
        return self._free > 0

    def take(self) -> None:
        """Where ``is_free``."""
        self._free -= 1

    async def wait(self, seconds: float) -> None:
        """Raises ``TimeoutError``."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                # It came at the same moment.
                self.give_back()
            else:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class SharedPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool without overflow, and a share for each module that borrows in its own name.

    Who waits for the share does not wait in the pool's queue, so another module's request is never behind it there. Both
    waits together last ``timeout`` at most.
    """

    def __init__(self, *arguments: Any, pool_size: int = 5, **options: Any) -> None:
        super().__init__(*arguments, pool_size=pool_size, **options)
        self._share_size = max(1, int(pool_size * SHARE))
        self._shares: dict[str, Share] = {}
        self._charged: dict[ConnectionPoolEntry, Share] = {}

    def _do_get(self) -> ConnectionPoolEntry:
        module = _borrower.get()
        if module is None:
            return self._take(module, self._timeout)
        share = self._shares.get(module)
        if share is None:
            share = self._shares[module] = Share(self._share_size)
        if share.is_free:
            share.take()
            left = self._timeout
        else:
            left = self._wait(module, share)
        try:
            record = self._take(module, left)
        except BaseException:
            share.give_back()
            raise
        self._charged[record] = share
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        share = self._charged.pop(record, None)
        super()._do_return_conn(record)
        if share is not None:
            share.give_back()

    def _wait(self, module: str, share: Share) -> float:
        """For the module's share. Returns the seconds left for the pool itself."""
        began = monotonic()
        try:
            await_(share.wait(self._timeout))
        except TimeoutError:
            raise self._too_long(module, f"{module} holds its {share.size} of {self.size()} connections") from None
        waited = monotonic() - began
        WAITED.labels(module).observe(waited)
        return max(0.0, self._timeout - waited)

    def _take(self, module: str | None, seconds: float) -> ConnectionPoolEntry:
        """As ``QueuePool`` does it, which would wait for the whole of its timeout."""
        with suppress(Empty):
            return self._pool.get(False)
        if self._overflow >= self._max_overflow:
            began = monotonic()
            try:
                record = self._pool.get(True, seconds)
            except Empty:
                raise self._too_long(module, f"all {self.size()} connections are in use") from None
            WAITED.labels(module or NOBODY).observe(monotonic() - began)
            return record
        self._inc_overflow()
        try:
            return self._create_connection()
        except BaseException:
            self._dec_overflow()
            raise

    def _too_long(self, module: str | None, why: str) -> PoolTimeout:
        TIMEOUTS.labels(module or NOBODY).inc()
        return PoolTimeout(f"No connection within {self._timeout:g} s: {why}")
