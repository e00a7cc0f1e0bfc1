"""Any number of beats: each due time once, whichever of them lives."""

from tests.faults.faults import Faults

SLOTS = "SELECT count(*) FROM seamark.task WHERE schedule = 'probe.tick'"


async def test_each_slot_is_written_once_while_beats_come_and_go(faults: Faults) -> None:
    for name in ("one", "other", "third"):
        faults.beat(name)
    await faults.until(lambda: faults.fetchval(f"{SLOTS} HAVING count(*) >= 3"))
    faults.kill("one")
    faults.trial.stop("other")
    before = await faults.fetchval(SLOTS)
    await faults.until(lambda: faults.fetchval(f"{SLOTS} HAVING count(*) >= {before + 3}"))
    due = [row["due_at"].timestamp() for row in await faults.fetch("SELECT due_at FROM seamark.task ORDER BY due_at")]
    assert len(due) == len(set(due))
    assert not list(faults.trial.clone.glob("celerybeat-schedule*"))
