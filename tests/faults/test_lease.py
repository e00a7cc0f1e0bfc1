"""A worker that is frozen with a task in its hands loses it to another when its lease ends, and its effect with it."""

import signal

from tests.faults.conftest import Report
from tests.faults.faults import Faults

LEASE = 3
SETTINGS = {
    "PROBE_LIMITS": "1.5 2",
    "SM_BACKGROUND_TASKS_LEASE": str(LEASE),
    "SM_SILENCED_CHECKS": "SM025=no other task runs here",
}


async def test_a_frozen_worker_loses_its_task_and_its_effect(faults: Faults, report: Report) -> None:
    await faults.worker("frozen", SETTINGS, concurrency=1)
    task_id = await faults.enqueue("hold", key="a")
    await faults.until(lambda: faults.begun("a"))
    faults.send("frozen", signal.SIGSTOP, family=True)
    await faults.release("a")
    await faults.worker("other", SETTINGS)
    await faults.until(lambda: faults.ended(task_id))
    took = await faults.fetchval("SELECT finished_at - (SELECT min(at) FROM begun) FROM seamark.task")
    faults.send("frozen", signal.SIGCONT, family=True)
    await faults.until(lambda: faults.says("frozen", str(task_id)))
    effects = await faults.effects()
    starts = await faults.fetchval("SELECT attempt FROM seamark.task_signal")
    report(
        f"lease of {LEASE} s: a frozen worker's task ended elsewhere {took.total_seconds():.1f} s after its begin, "
        f"{starts} starts, {len(effects)} effects"
    )
    assert await faults.state(task_id) == "succeeded"
    assert effects == ["a"]
    assert starts == 2
