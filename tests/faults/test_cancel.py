"""What is cancelled ends, whether or not it listens."""

from time import monotonic

import pytest
from framework.tasks import cancel

from tests.faults.conftest import Report
from tests.faults.faults import Faults

GRACE = 2.0


@pytest.mark.parametrize("name", ["deaf", "stubborn"])
async def test_a_cancelled_task_that_does_not_listen_is_ended_without_its_effect(
    faults: Faults, report: Report, name: str
) -> None:
    await faults.worker("alone", {"SM_BACKGROUND_TASKS_CANCEL_GRACE": str(GRACE)})
    task_id = await faults.enqueue(name, key="never")
    await faults.until(
        lambda: faults.fetchval("SELECT started_at FROM seamark.task_signal WHERE task_id = $1", task_id)
    )
    bystander = await faults.enqueue("slow", key="bystander", seconds=4)
    asked_at = monotonic()
    async with faults.application.database.unit_of_work() as session:
        await cancel(session, task_id)
    await faults.until(lambda: faults.ended(task_id))
    took = monotonic() - asked_at
    assert await faults.state(task_id) == "cancelled"
    assert GRACE <= took < GRACE + 8
    await faults.until(lambda: faults.ended(bystander))
    assert await faults.effects() == ["bystander"]
    assert await faults.fetchval("SELECT attempt FROM seamark.task_signal WHERE task_id = $1", bystander) == 1
    report(f"cancel of a {name} task: ended {took:.1f} s after it was asked for, {GRACE:g} s of them grace")
