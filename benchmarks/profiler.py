"""What looking at a process a hundred times a second costs it: ``python -m benchmarks.profiler [seconds]``.

Nine threads, eight of them forty calls deep, and a hundred tasks; the event loop computes all the time. Processor time, not
the clock, so what else the machine does is not in it.
"""

import asyncio
import sys
import threading
from statistics import median
from time import process_time, thread_time

from admin import profiler

THREADS, CALLS, TASKS, TIMES = 8, 40, 100, 5


def _deep(calls: int, end: threading.Event) -> None:
    if calls:
        _deep(calls - 1, end)
    else:
        end.wait()


async def _compute(end: asyncio.Event) -> None:
    while not end.is_set():
        sum(range(2000))
        await asyncio.sleep(0)


async def _measure(seconds: float) -> float:
    """Milliseconds of the sampling thread for each look."""
    end = asyncio.Event()
    computing = asyncio.create_task(_compute(end))
    before = process_time() - thread_time()
    found = await profiler.profile(seconds)
    spent = process_time() - thread_time() - before
    end.set()
    await computing
    return 1000 * spent / found.rounds


async def main(seconds: float) -> None:
    end = threading.Event()
    for _ in range(THREADS):
        threading.Thread(target=_deep, args=(CALLS, end), daemon=True).start()
    waiting = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(TASKS)]
    each = median([await _measure(seconds) for _ in range(TIMES)])
    sys.stdout.write(
        f"{each:.2f} ms a look: {each * profiler.HERTZ / 10:.1f} % of one processor while a profile is taken\n"
    )
    for task in waiting:
        task.cancel()
    end.set()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3))
