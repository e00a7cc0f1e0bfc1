"""Any number of beats: each due time once, whichever of them lives, and after an outage what each schedule says."""

import signal
from collections import Counter
from datetime import datetime

from tests.faults.conftest import Report
from tests.faults.faults import Faults

SLOTS = "SELECT due_at FROM seamark.task WHERE schedule = $1 ORDER BY due_at"
WEEKLY = ["probe.all", "probe.once", "probe.skip"]
"""What becomes of missed slots is in their names."""
FOLLOWED = "SELECT count(*) = 3 FROM seamark.task_schedule WHERE entry IN ('probe.all', 'probe.once', 'probe.skip')"
OUTAGE = 5


async def test_each_slot_is_written_once_while_beats_come_and_go(faults: Faults, report: Report, long: bool) -> None:
    frozen_for = 30 if long else 5
    for name in ("frozen", "killed", "third"):
        faults.beat(name)
    await wait_for_slots(faults, 3)
    faults.send("frozen", signal.SIGSTOP)
    await wait_for_slots(faults, frozen_for)
    faults.kill("killed")
    await faults.restart_postgres()
    await wait_for_slots(faults, 2)
    faults.send("frozen", signal.SIGCONT)
    await wait_for_slots(faults, 2)
    due = await slots(faults)
    missing, twice = gaps(due), len(due) - len(set(due))
    report(
        f"beats: {len(due)} due times of a 1 s schedule, {missing} missing, {twice} twice; "
        f"of three one was frozen for {frozen_for} s and one killed, and Postgres restarted"
    )
    assert (missing, twice) == (0, 0)
    assert not list(faults.trial.clone.glob("celerybeat-schedule*"))


async def test_what_no_beat_saw_is_dealt_with_as_each_schedule_says(faults: Faults, report: Report) -> None:
    faults.beat("before")
    await faults.until(lambda: faults.fetchval(f"{FOLLOWED} AND next_due_at > now()"))
    faults.kill("before")
    # As if none had run for so long: what a beat knows of the past is this row.
    await faults.fetch(
        "UPDATE seamark.task_schedule SET next_due_at = next_due_at - $1 * interval '1 week' WHERE entry = ANY($2)",
        OUTAGE,
        WEEKLY,
    )
    faults.beat("after")
    await faults.until(lambda: faults.fetchval(f"{FOLLOWED} AND next_due_at > now()"))
    rows = await faults.fetch("SELECT schedule FROM seamark.task WHERE schedule = ANY($1)", WEEKLY)
    written = Counter(row["schedule"] for row in rows)
    report(f"beats: none for {OUTAGE} slots; written afterwards: {dict(written)}")
    assert written == {"probe.all": OUTAGE, "probe.once": 1}


async def slots(faults: Faults) -> list[datetime]:
    """Of the schedule that is due every second."""
    return [row["due_at"] for row in await faults.fetch(SLOTS, "probe.tick")]


async def wait_for_slots(faults: Faults, more: int) -> None:
    before = len(await slots(faults))

    async def are_there() -> bool:
        return len(await slots(faults)) >= before + more

    await faults.until(are_there)


def gaps(due: list[datetime]) -> int:
    expected = round((due[-1] - due[0]).total_seconds()) + 1
    return expected - len(set(due))
