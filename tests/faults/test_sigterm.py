"""A worker that is told to end finishes what it can within its grace, hands back the rest at once, and ends in time."""

import asyncio
import signal
from collections import Counter
from time import monotonic

from tests.faults.conftest import Report
from tests.faults.faults import Faults

GRACE = 1.5
PATIENCE = GRACE + 8
# Shorter than its tasks may take, which the check SM027 refuses: only so some are still running when it is over.
REPUBLISH_AFTER = "60"
SETTINGS = {
    "SM_BACKGROUND_TASKS_REPUBLISH_AFTER": REPUBLISH_AFTER,
    "SM_BACKGROUND_TASKS_SHUTDOWN_GRACE": str(GRACE),
    "SM_SILENCED_CHECKS": "SM027=tasks are to be handed back",
}
LENGTHS = (4.0, *(0.0, 0.1, 0.3) * 5)
"""Seconds that the tasks of a cycle take."""
STEPS = 20


async def test_workers_that_end_under_load_lose_nothing(faults: Faults, report: Report, long: bool) -> None:
    cycles = 20 if long else 5
    exits: list[tuple[float, int]] = []
    handed_back = 0
    for cycle in range(cycles):
        name = f"worker{cycle}"
        for number, seconds in enumerate(LENGTHS):
            await faults.enqueue("slow", key=f"{cycle}.{number}", seconds=seconds)
        await faults.enqueue("count", key=f"count {cycle}", steps=STEPS)
        enough = cycle % 4 + await faults.fetchval("SELECT count(*) FROM begun")
        await faults.worker(name, SETTINGS)
        await faults.until(lambda enough=enough: more_began(faults, enough))  # type: ignore[misc]
        exits.append(await terminate(faults, name))
        handed_back += faults.trial.log(name).read_text().count('"given_back"')
    began = monotonic()
    await faults.worker("last", SETTINGS, concurrency=4)
    await faults.until(faults.drained)
    drained = monotonic() - began
    effects = Counter(await faults.effects())
    expected = {f"{cycle}.{number}" for cycle in range(cycles) for number in range(len(LENGTHS))}
    expected |= {f"count {cycle} {step}" for cycle in range(cycles) for step in (*range(1, STEPS + 1), "succeeded")}
    lost, twice = len(expected - effects.keys()), sum(count > 1 for count in effects.values())
    failures = await faults.fetchval("SELECT count(*) FROM seamark.task_failure")
    slowest = max(seconds for seconds, _ in exits)
    statuses = {status for _, status in exits}
    report(
        f"SIGTERM: {cycles} cycles, {cycles * (len(LENGTHS) + 1)} tasks, {lost} lost, {twice} twice; {handed_back} handed "
        f"back, {failures} counted as failures; slowest exit {slowest:.1f} s with {GRACE} s grace, status {statuses}; "
        f"the next worker had done all after {drained:.1f} s"
    )
    assert (lost, twice, failures) == (0, 0, 0)
    assert handed_back > 0
    assert slowest <= PATIENCE
    assert statuses == {0}
    # Nothing waited until it was published again: it was handed back at once.
    assert drained < float(REPUBLISH_AFTER)


async def more_began(faults: Faults, than: int) -> bool:
    return bool(await faults.fetchval("SELECT count(*) FROM begun") > than)


async def terminate(faults: Faults, name: str) -> tuple[float, int]:
    """Seconds and exit status."""
    began = monotonic()
    faults.send(name, signal.SIGTERM)
    process = faults.trial.processes.pop(name)
    status = await asyncio.to_thread(process.wait, 60)
    faults.trial.leash.release(process.pid)
    return monotonic() - began, status
