"""Requests of this process with one key, one at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from framework.problems import Problem

PATIENCE = 5.0
"""Seconds for which a request waits for an earlier one with its key: here, and by Postgres for those of other processes."""


def in_progress() -> Problem:
    return Problem(
        409,
        "idempotency.in_progress",
        "The same request is still being worked on. Ask again in a moment, with the same key.",
        headers={"retry-after": "1"},
    )


class Turns:
    """Who waits here holds no connection. Postgres would keep them waiting as well, each with one in its hand, and the first
    may need another one to get done."""

    def __init__(self) -> None:
        # A lock is there for as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[tuple[UUID, bytes], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, user_id: UUID, key: bytes) -> AsyncIterator[None]:
        """Raises ``Problem`` 409 after ``PATIENCE``."""
        lock = self._locks.setdefault((user_id, key), asyncio.Lock())
        try:
            async with asyncio.timeout(PATIENCE):
                await lock.acquire()
        except TimeoutError:
            raise in_progress() from None
        try:
            yield
        finally:
            lock.release()
