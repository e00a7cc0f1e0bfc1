"""Whatever is killed: what was committed runs, and takes effect once."""

from uuid import UUID

import psutil
from framework.correlation import bound
from framework.tasks import cancel

from tests.faults.faults import Faults

STEPS = 40
"""Of a tenth of a second: what is killed after the first is far from its end, also on a busy machine."""
COUNTED = [*(f"c {step}" for step in range(1, STEPS + 1)), "c succeeded"]


async def steps_done(faults: Faults, task_id: UUID) -> int:
    steps: int = await faults.fetchval("SELECT steps FROM seamark.task WHERE id = $1", task_id)
    return steps


async def test_a_task_runs_under_the_correlation_id_of_who_asked_for_it(faults: Faults) -> None:
    await faults.worker()
    with bound("0123456789abcdef"):
        task_id = await faults.enqueue("note", key="a")
    await faults.until(lambda: faults.ended(task_id))
    assert await faults.effects() == ["a"]
    lines = [line for line in faults.trial.log("worker").read_text().splitlines() if line.startswith("{")]
    assert [line for line in lines if '"noted"' in line and '"correlation_id":"0123456789abcdef"' in line]
    assert [line for line in lines if '"correlation_id":"' not in line] == []


async def test_a_rolled_back_enqueue_never_runs(faults: Faults) -> None:
    await faults.worker()
    async with faults.application.database.unit_of_work() as session:
        await faults.tasks.note.enqueue(session, key="rolled back")
        await session.rollback()
    task_id = await faults.enqueue("note", key="committed")
    await faults.until(lambda: faults.ended(task_id))
    assert await faults.effects() == ["committed"]


async def test_a_long_task_is_cancelled_half_way(faults: Faults) -> None:
    await faults.worker()
    task_id = await faults.enqueue("count", key="c", steps=10_000)
    await faults.until(lambda: steps_done(faults, task_id))
    async with faults.application.database.unit_of_work() as session:
        await cancel(session, task_id)
    await faults.until(lambda: faults.ended(task_id))
    effects = await faults.effects()
    assert effects[-1] == "c cancelled"
    assert len(effects) == 1 + await steps_done(faults, task_id) < 10_000


async def test_a_killed_relay_is_replaced(faults: Faults) -> None:
    pid = await faults.worker()
    faults.relay_of(pid).kill()
    task_id = await faults.enqueue("note", key="a")
    await faults.until(lambda: faults.ended(task_id))
    assert await faults.says("worker", "relay ended, starting another")


async def test_a_worker_killed_in_a_step_leaves_the_rest_to_another(faults: Faults) -> None:
    pid = await faults.worker("first")
    relatives = [*psutil.Process(pid).children(recursive=True)]
    task_id = await faults.enqueue("count", key="c", steps=STEPS)
    await faults.until(lambda: steps_done(faults, task_id))
    faults.kill("first")
    # Its children and its relay go with it, so nothing works on unseen.
    _, alive = psutil.wait_procs(relatives, 10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    done = await steps_done(faults, task_id)
    assert await faults.effects() == COUNTED[:done]
    await faults.worker("second")
    await faults.until(lambda: faults.ended(task_id))
    assert await faults.effects() == COUNTED


async def test_a_worker_that_is_told_to_end_hands_back_at_once(faults: Faults) -> None:
    await faults.worker("first")
    task_id = await faults.enqueue("count", key="c", steps=STEPS)
    await faults.until(lambda: steps_done(faults, task_id))
    faults.trial.stop("first")
    assert 0 < await steps_done(faults, task_id) < STEPS - 1
    await faults.worker("second")
    await faults.until(lambda: faults.ended(task_id))
    assert await faults.effects() == COUNTED
