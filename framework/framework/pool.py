"""The pool of database connections, of which one module can hold no more than its share."""

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
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
SIZE = Gauge("seamark_pool_size", "Database connections that this process may have.")
IN_USE = Gauge("seamark_pool_in_use", "Database connections that are borrowed.")
WAITING = Gauge("seamark_pool_waiting", "Who waits for a database connection.")
TIMEOUTS = Counter("seamark_pool_timeouts", "Waits for a database connection that ended without one.", ["module"])

_borrower: ContextVar[str | None] = ContextVar("borrower", default=None)


def borrow_for(module: str | None) -> None:
    """What runs from here on, and what it starts, takes its connections out of this module's share; ``None``: of no share."""
    _borrower.set(module)


class Share:
    """A number of connections that those who wait get in the order in which they came."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.waited = WAITED.labels(name)
        self.timeouts = TIMEOUTS.labels(name)
        self._free = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_free(self) -> bool:
        return self._free > 0

    def take(self) -> None:
        """Where ``is_free``."""
        self._free -= 1

    async def wait(self) -> None:
        """For its turn, where it is not free at once."""
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
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

    Who waits is handed what comes back, in order. SQLAlchemy's queue wakes one who waits and lets a newcomer take it
    first: with a hundred waiting, a request then cost twice as much. Who waits for the share of its module does not stand
    in that order, so another module's request is never behind it. Both waits together last ``timeout`` at most.
    """

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **options)
        self._whole = Share(NOBODY, self.size())
        self._share_size = max(1, int(self.size() * SHARE))
        self._shares: dict[str | None, Share] = {None: Share(NOBODY, self.size())}
        self._reserved: Share | None = None
        self._borrowed: dict[ConnectionPoolEntry, Share] = {}
        self._waiting = 0

    def show(self) -> None:
        """Let metrics show this one: a process has one pool that it works with, and may open others for a moment."""
        SIZE.set(self.size())
        IN_USE.set_function(lambda: len(self._borrowed))
        WAITING.set_function(lambda: self._waiting)

    @property
    def has_idle(self) -> bool:
        """Whether a connection can be had without dialling, without waiting and without overtaking who waits."""
        return self._whole.is_free and self._share().is_free and self.checkedin() > 0

    async def reserve(self) -> None:
        """A place for a connection, after a wait if need be: for who borrows next, without awaiting anything in between.

        So only dialling needs a greenlet; waiting in one costs a request as much again as its statement.
        """
        self._reserved = await self._wait()

    def _share(self) -> Share:
        module = _borrower.get()
        share = self._shares.get(module)
        if share is None:
            share = self._shares[module] = Share(str(module), self._share_size)
        return share

    def _do_get(self) -> ConnectionPoolEntry:
        share, self._reserved = self._reserved, None
        if share is None:
            share = self._share()
            if not self._take(share):
                await_(self._wait())
        try:
            record = self._idle_or_new()
        except BaseException:
            self._give_back(share)
            raise
        self._borrowed[record] = share
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self._give_back(self._borrowed.pop(record))

    def _give_back(self, share: Share) -> None:
        self._whole.give_back()
        share.give_back()

    def _take(self, share: Share) -> bool:
        if not (share.is_free and self._whole.is_free):
            return False
        share.take()
        self._whole.take()
        return True

    async def _wait(self) -> Share:
        share = self._share()
        if self._take(share):
            return share
        began = monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await share.wait()
                try:
                    await self._whole.wait()
                except BaseException:
                    share.give_back()
                    raise
        except TimeoutError:
            share.timeouts.inc()
            by_one = share.size < self.size() and not share.is_free
            whose = (
                f"{share.name} holds its {share.size} of {self.size()}" if by_one else f"all {self.size()} are in use"
            )
            raise PoolTimeout(f"No connection within {self._timeout:g} s: {whose}") from None
        finally:
            self._waiting -= 1
        share.waited.observe(monotonic() - began)
        return share

    def _idle_or_new(self) -> ConnectionPoolEntry:
        """As ``QueuePool`` does it where nobody has to wait."""
        with suppress(Empty):
            return self._pool.get(False)
        self._inc_overflow()
        try:
            return self._create_connection()
        except BaseException:
            self._dec_overflow()
            raise
