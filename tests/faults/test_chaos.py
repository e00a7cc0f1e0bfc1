"""Enqueuing goes on while workers are killed one after the other, and the broker once: nothing lost, nothing twice."""

import asyncio
import os
import signal
from collections import Counter
from time import monotonic

import pytest

from tests.faults.conftest import Faults

TASKS = 200
RATE = 15
"""A second."""


async def test_nothing_is_lost_and_nothing_happens_twice(faults: Faults, capsys: pytest.CaptureFixture[str]) -> None:
    began = monotonic()
    enqueuing = asyncio.create_task(enqueue(faults))
    killed = 0
    while not enqueuing.done() or killed < 3:
        name = f"worker{killed}"
        enough = min(len(await faults.effects()) + 15, TASKS)
        faults.start_worker(name)
        await faults.until(lambda enough=enough: has_done(faults, enough))  # type: ignore[misc]
        if killed == 1:
            os.kill(faults.trial.valkey.pid, signal.SIGKILL)
            faults.trial.valkey.wait()
            faults.trial.valkey.start()
        faults.kill(name)
        killed += 1
    await enqueuing
    await faults.worker("last")
    await faults.until(lambda: drained(faults))
    effects = Counter(await faults.effects())
    starts = await faults.fetchval("SELECT sum(attempt) FROM seamark.task_signal")
    lost = TASKS - len(effects)
    twice = sum(count > 1 for count in effects.values())
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what this run is for
            f"\nchaos: {TASKS} enqueued, {lost} lost, {twice} twice; {starts} starts, {killed} workers killed, "
            f"Valkey killed once, {monotonic() - began:.0f} s"
        )
    assert (lost, twice) == (0, 0)


async def enqueue(faults: Faults) -> None:
    for number in range(TASKS):
        if number % 4:
            await faults.enqueue("note", key=str(number))
        else:
            await faults.enqueue("slow", key=str(number), seconds=0.2)
        await asyncio.sleep(1 / RATE)


async def has_done(faults: Faults, effects: int) -> bool:
    return len(await faults.effects()) >= effects


async def drained(faults: Faults) -> bool:
    waiting = await faults.fetchval("SELECT count(*) FROM seamark.task WHERE state = 'queued'")
    return bool(waiting == 0)
