"""A task that takes longer than the broker waits comes again while it runs, and takes effect once."""

from tests.faults.conftest import Report
from tests.faults.faults import Faults

# What the check SM026 refuses: only so a message comes back while its task runs.
HASTY = {
    "SM_BACKGROUND_TASKS_VISIBILITY_TIMEOUT": "1",
    "SM_BACKGROUND_TASKS_REPUBLISH_AFTER": "0.5",
    "SM_SILENCED_CHECKS": "SM026=a message is to come back while its task runs",
}


async def test_a_task_longer_than_the_visibility_timeout_takes_effect_once(faults: Faults, report: Report) -> None:
    await faults.worker("first", HASTY, concurrency=1)
    task_id = await faults.enqueue("hold", key="a")
    await faults.until(lambda: faults.begun("a"))
    await faults.worker("second", HASTY)
    # Ten seconds after its start a worker puts back what is held for too long; only the second has room for it.
    await faults.until(lambda: faults.says("second", str(task_id)))
    await faults.release("a")
    await faults.until(lambda: faults.ended(task_id))
    starts = await faults.fetchval("SELECT attempt FROM seamark.task_signal")
    publications = await faults.fetchval("SELECT publications FROM seamark.task")
    effects = await faults.effects()
    report(f"slow task: delivered to two workers, {publications} published, {starts} starts, {len(effects)} effects")
    assert effects == ["a"]
