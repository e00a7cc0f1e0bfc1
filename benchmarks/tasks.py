"""Seamark's tasks and Celery's own, in turn: the same concurrency, the same durable servers."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from host.trial import CELERY, Trial, trial

from benchmarks.measure import Spread
from benchmarks.servers import DurableValkey
from benchmarks.task_report import TaskReport

MODULES = Path(__file__).parent / "modules"
ROUNDS = 5
TASKS = 6000
STARTS = 300
# A task waits for Postgres and for its disk half of its time, so there are more of them than processors.
CONCURRENCY = 2 * (psutil.cpu_count() or 1)
BARE = ("-m", "celery", "-A", "benchmarks.bare_tasks")
QUIET = ("-l", "warning", "--without-gossip", "--without-mingle")


def measure_tasks(say: Callable[[str], None]) -> TaskReport:
    with trial(durable=True, valkey=DurableValkey) as installation:
        installation.environment |= {
            "SM_MODULES_ENABLED": "background_tasks,nothing",
            "SM_LOG_FORMAT": "json",
            "SM_LOG_LEVEL": "info",
            "PYTHONPATH": str(MODULES),
        }
        # The floor's tasks are enqueued here, and so are Seamark's.
        os.environ["SM_REDIS_URL"] = installation.environment["SM_REDIS_URL"]
        sys.path.insert(0, str(MODULES))
        return asyncio.run(_measure(installation, say))


async def _measure(installation: Trial, say: Callable[[str], None]) -> TaskReport:
    # Only now: one knows its broker when it is imported, the other lies in a folder of its own.
    from benchmarks import bare_queue, outbox  # noqa: PLC0415

    ours, floor = [], []
    for number in range(ROUNDS):
        say(f"measuring tasks, round {number + 1} of {ROUNDS} …")
        bare_queue.fill(TASKS)
        with running(installation, *BARE, *worker(), *QUIET):
            floor.append(await bare_queue.rate(TASKS))
        await outbox.fill(installation, TASKS)
        with running(installation, *CELERY, *worker()):
            ours.append(await outbox.rate(installation, TASKS))
    say("measuring the time from commit to start …")
    with running(installation, *BARE, *worker(), *QUIET):
        floor_latency = await bare_queue.latencies(STARTS)
    with running(installation, *CELERY, *worker()):
        latency = await outbox.latencies(installation, STARTS)
    ratio = Spread([mine / bare for mine, bare in zip(ours, floor, strict=True)])
    rounds = f"{ROUNDS} interleaved rounds of {TASKS} tasks, {STARTS} starts one by one"
    return TaskReport(CONCURRENCY, rounds, Spread(ours), Spread(floor), ratio, latency, floor_latency)


def worker() -> tuple[str, ...]:
    return ("worker", "-c", str(CONCURRENCY))


@contextmanager
def running(installation: Trial, *python: str) -> Iterator[None]:
    installation.start("worker", *python)
    try:
        yield
    finally:
        installation.stop("worker")
