"""A task that never ends well is tried as often as its policy says, kept for people to see, and holds up no other."""

from collections import Counter
from time import monotonic

from tests.faults.conftest import Report
from tests.faults.faults import Faults

POISONS = ("poison", "wrong", "greedy", "stuck")
"""It kills its process, raises, asks for more memory than there is, or never comes back."""
ATTEMPTS = 3
BEHIND = 20


async def test_poison_becomes_a_dead_letter_and_the_queue_moves_on(faults: Faults, report: Report) -> None:
    await faults.worker("alone", concurrency=1)
    began = monotonic()
    poisons = {name: await faults.enqueue(name) for name in POISONS}
    notes = [await faults.enqueue("note", key=str(number)) for number in range(BEHIND)]
    for task_id in notes:
        await faults.until(lambda task_id=task_id: faults.ended(task_id))  # type: ignore[misc]
    behind = monotonic() - began
    for task_id in poisons.values():
        await faults.until(lambda task_id=task_id: faults.ended(task_id))  # type: ignore[misc]
    states = {name: await faults.state(task_id) for name, task_id in poisons.items()}
    starts = {
        name: await faults.fetchval("SELECT attempt FROM seamark.task_signal WHERE task_id = $1", task_id)
        for name, task_id in poisons.items()
    }
    kept = Counter(row["task_id"] for row in await faults.fetch("SELECT task_id FROM seamark.task_failure"))
    report(
        f"poison: {starts} starts, {list(states.values()).count('failed')} dead letters, "
        f"{BEHIND} tasks behind them done after {behind:.1f} s, all after {monotonic() - began:.1f} s"
    )
    assert states == dict.fromkeys(POISONS, "failed")
    assert starts == dict.fromkeys(POISONS, ATTEMPTS)
    assert kept == dict.fromkeys(poisons.values(), ATTEMPTS)
    assert sorted(await faults.effects(), key=int) == [str(number) for number in range(BEHIND)]
