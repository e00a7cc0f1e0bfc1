"""Two relays share the outbox: none publishes what the other has, and nothing waits for long."""

import asyncio
from time import monotonic

from tests.faults.conftest import Report
from tests.faults.faults import Faults

RATE = 100
"""A second."""
# As in production: what is published again here was published by both.
SETTINGS = {"SM_BACKGROUND_TASKS_REPUBLISH_AFTER": "30"}
LAGS = """
SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at))
FROM seamark.task JOIN seamark.task_signal ON task_id = id
"""


async def test_no_row_is_published_by_two_relays_at_once(faults: Faults, report: Report, long: bool) -> None:
    tasks = 2000 if long else 300
    for name in ("one", "other"):
        await faults.worker(name, SETTINGS)
    began = monotonic()
    for number in range(tasks):
        await faults.enqueue("note", key=f"relays {number}")
        await asyncio.sleep(began + number / RATE - monotonic())
    await faults.until(faults.drained)
    publications = await faults.fetchval("SELECT sum(publications) FROM seamark.task")
    starts = await faults.fetchval("SELECT sum(attempt) FROM seamark.task_signal")
    effects = len(await faults.effects())
    median, p99, longest = await faults.fetchval(LAGS)
    report(
        f"two relays: {tasks} tasks at {RATE}/s, {publications} published, {starts} starts, {effects} effects; from commit "
        f"to start {1000 * median:.0f} ms (p50), {1000 * p99:.0f} ms (p99), {1000 * longest:.0f} ms at most"
    )
    assert (publications, starts, effects) == (tasks, tasks, tasks)
    # In a few seconds one pause of the machine is the p99.
    assert p99 <= 1 or not long
