"""Probes that nobody makes: granted to a call that was cancelled, or by an answer of Redis that never arrived."""

import asyncio
from collections import deque

from redis.exceptions import ResponseError

from framework.circuit_breaker.circuit import Outcome
from framework.circuit_breaker.shared import SharedCircuits
from framework.redis_link import RedisUnavailable

AT_MOST = 100
"""Of those kept while Redis does not answer; one that is dropped holds its breaker up until its lease ends."""


class HandingOn:
    """Tells Redis beside the calls, so that the next call probes and not the next after the lease."""

    def __init__(self, shared: SharedCircuits) -> None:
        self._shared = shared
        self._left: deque[tuple[str, str]] = deque(maxlen=AT_MOST)
        self._telling: asyncio.Task[None] | None = None

    def later(self, name: str, generation: str) -> None:
        self._left.append((name, generation))

    def now(self) -> None:
        """Whatever is left, if anything is; call it when Redis answers."""
        if self._left and self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        self.now()
        if self._telling is not None:
            await self._telling

    async def _tell(self) -> None:
        try:
            while self._left:
                name, generation = self._left.popleft()
                # Names of generations are never used again, so this one may be.
                await self._shared.record(name, generation, Outcome.NOTHING, f"{generation}.")
        except (RedisUnavailable, ResponseError):
            self._left.appendleft((name, generation))
        finally:
            self._telling = None
