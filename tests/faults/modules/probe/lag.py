"""How long the event loop was held in one go: by its own CPU time, so that what else the machine does is not in it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import thread_time

from framework.application import Application
from framework.policies import policy, public

from .deadlines import router

__all__ = ["lifespan", "router"]

TICK = 0.002
_worst = [0.0]


@router.get("/lag")
@policy(public)
async def lag() -> float:
    """Milliseconds since the last time somebody asked; a tick more than what held the loop. Where ``PROBE_LAG`` is set."""
    # Whoever asks is answered after the tick that saw what came before.
    await asyncio.sleep(TICK * 2)
    worst, _worst[0] = _worst[0], 0.0
    return worst * 1000


@asynccontextmanager
async def lifespan(_: Application) -> AsyncIterator[None]:
    async def tick() -> None:
        before = thread_time()
        while True:
            await asyncio.sleep(TICK)
            now = thread_time()
            _worst[0] = max(_worst[0], now - before)
            before = now

    if not os.environ.get("PROBE_LAG"):
        yield
        return
    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()
