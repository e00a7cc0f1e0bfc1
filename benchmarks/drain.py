"""How fast a backlog goes: from when a tenth of it is done, so that a worker's start is no part of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

# Seldom, because counting rows costs what is measured a processor's time.
LOOK = 0.25
PATIENCE = 120.0


async def drain(total: int, left: Callable[[], Awaitable[int]]) -> float:
    """Tasks a second. Raises ``TimeoutError`` when they do not become fewer."""
    first = await _below(0.9 * total, left)
    began = time.perf_counter()
    last = await _below(0.05 * total, left)
    return (first - last) / (time.perf_counter() - began)


async def _below(limit: float, left: Callable[[], Awaitable[int]]) -> int:
    async with asyncio.timeout(PATIENCE):
        while (now := await left()) > limit:  # noqa: ASYNC110 - other processes make them fewer
            await asyncio.sleep(LOOK)
        return now
