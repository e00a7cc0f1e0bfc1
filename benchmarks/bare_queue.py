"""The floor's side: what is in Celery's own queue, and when it starts."""

import asyncio
import time

from benchmarks.bare_tasks import QUEUE, STARTS, app, client, noop, stamp
from benchmarks.drain import drain
from benchmarks.pauses import pauses


def fill(count: int) -> None:
    with app.connection_for_write() as connection:
        for number in range(count):
            noop.apply_async((str(number),), connection=connection)


async def rate(count: int) -> float:
    async def left() -> int:
        return int(await asyncio.to_thread(client.llen, QUEUE))

    return await drain(count, left)


async def latencies(count: int) -> list[float]:
    """Seconds from sending a message to the first line of its task, one at a time."""
    waited = []
    with app.connection_for_write() as connection:
        # The first one waits for the worker.
        for pause in pauses(1 + count):
            await asyncio.sleep(pause)
            sent = time.time()
            stamp.apply_async(connection=connection)
            started = await asyncio.to_thread(client.blpop, STARTS, 30)
            assert started is not None, "the task did not start within 30 s"
            waited.append(float(started[1]) - sent)
    return waited[1:]
