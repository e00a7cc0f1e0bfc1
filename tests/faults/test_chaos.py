"""Enqueuing goes on while workers are killed one after the other, and the broker twice: nothing lost, nothing twice."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from time import monotonic

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey

KILL_EVERY = 2.0
LONGEST_DRAIN = 60.0


@dataclass(frozen=True)
class Size:
    tasks: int
    rate: float
    """A second."""
    kills: int
    """At least, where workers start so slowly that enqueuing is over before."""
    republish_after: str


SHORT, LONG = Size(300, 30, 3, "2"), Size(1000, 45, 10, "12")


async def test_nothing_is_lost_and_nothing_happens_twice(
    faults: Faults, valkey: LastingValkey, report: Report, long: bool
) -> None:
    size = LONG if long else SHORT
    enqueuing = asyncio.create_task(enqueue(faults, size))
    killing = asyncio.create_task(kill_workers(faults, size, enqueuing))
    for share in (1 / 3, 2 / 3):
        await faults.until(lambda share=share: has_enqueued(faults, size.tasks * share))  # type: ignore[misc]
        valkey.kill()
        if share > 0.5:
            valkey.forget()
        await asyncio.to_thread(valkey.start)
    _, killed = await asyncio.gather(enqueuing, killing)
    ended = monotonic()
    await faults.until(faults.drained, LONGEST_DRAIN)
    drained = monotonic() - ended
    effects = Counter(await faults.effects())
    starts = await faults.fetchval("SELECT sum(attempt) FROM seamark.task_signal")
    lost = size.tasks - len(effects)
    twice = sum(count > 1 for count in effects.values())
    report(
        f"chaos: {size.tasks} enqueued at {size.rate:g}/s, {lost} lost, {twice} twice; {starts} starts, "
        f"{killed} workers killed, Valkey killed twice, drained {drained:.1f} s after that"
    )
    assert (lost, twice) == (0, 0)
    assert drained <= LONGEST_DRAIN


async def enqueue(faults: Faults, size: Size) -> None:
    began = monotonic()
    for number in range(size.tasks):
        if number % 4:
            await faults.enqueue("note", key=str(number))
        else:
            await faults.enqueue("slow", key=str(number), seconds=0.2)
        await asyncio.sleep(began + number / size.rate - monotonic())


async def kill_workers(faults: Faults, size: Size, enqueuing: asyncio.Task[None]) -> int:
    """As long as that goes on, one every two seconds, alone or with its whole family; how many."""
    alive: deque[str] = deque()
    killed = 0

    def start() -> None:
        alive.append(f"worker{killed + len(alive)}")
        faults.start_worker(alive[-1], {"SM_BACKGROUND_TASKS_REPUBLISH_AFTER": size.republish_after})

    start()
    start()
    while not enqueuing.done() or killed < size.kills:
        # One that has not begun to consume is not worth killing.
        await faults.until(lambda: faults.is_ready(alive[0]))
        await asyncio.sleep(KILL_EVERY)
        start()
        faults.kill(alive.popleft(), family=killed % 2 == 1)
        killed += 1
    return killed


async def has_enqueued(faults: Faults, number: float) -> bool:
    return bool(await faults.fetchval("SELECT count(*) FROM seamark.task") >= number)
