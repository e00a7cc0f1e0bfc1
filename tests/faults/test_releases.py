"""An old and a new worker side by side: a task that only the new one knows waits for it."""

from tests.faults.conftest import Report
from tests.faults.faults import Faults

OLD = {"PROBE_UNKNOWN": "probe.note"}
TASKS = 5


async def test_a_task_of_a_newer_release_is_parked_and_not_dropped(faults: Faults, report: Report) -> None:
    await faults.worker("older", OLD)
    tasks = [await faults.enqueue("note", key=str(number)) for number in range(TASKS)]
    # The queue is one that the older worker consumes, and published it will be again and again.
    await faults.until(lambda: faults.says("older", "task left for a worker that knows it", 2 * TASKS))
    states = [await faults.state(task_id) for task_id in tasks]
    await faults.worker("newer")
    await faults.until(faults.drained)
    effects = await faults.effects()
    starts = await faults.fetchval("SELECT sum(attempt) FROM seamark.task_signal")
    report(
        f"old and new worker: {TASKS} tasks that the old one left {2 * TASKS} times, {starts} starts, {len(effects)} effects"
    )
    assert states == ["queued"] * TASKS
    assert sorted(effects) == [str(number) for number in range(TASKS)]
    assert starts == TASKS
