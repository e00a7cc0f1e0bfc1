"""How late the event loop comes to what is due: what every request of the process waits for as well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from prometheus_client import Histogram

EVERY = 0.25
LAG = Histogram(
    "seamark_event_loop_lag_seconds",
    "How much later than asked the event loop woke, asked four times a second.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


@asynccontextmanager
async def loop_lag_sampled() -> AsyncIterator[None]:
    """Of the running loop, for the length of the block."""
    sampling = asyncio.create_task(_sample())
    try:
        yield
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling


async def _sample() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY
        await asyncio.sleep(EVERY)
        LAG.observe(max(0.0, loop.time() - due))
