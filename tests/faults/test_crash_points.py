"""A process may be killed between any two steps of a task's way: what was committed runs once, the rest never."""

import asyncio
import json
from collections import Counter
from typing import Any

from tests.faults.conftest import Report
from tests.faults.faults import Faults

WORKS = {"enqueue": 40, "publish": 30, "run": 30}
"""Points in each, of a hundred."""


async def test_what_was_committed_runs_once_and_what_was_not_never(faults: Faults, report: Report, long: bool) -> None:
    counts = {name: points if long else points // 5 for name, points in WORKS.items()}
    points = [point for name, number in counts.items() for point in await crash(faults, name, number)]
    # In doubt or not, Postgres says what was committed: the row that was written beside each enqueuing.
    asked = {row["key"] for row in await faults.fetch("SELECT key FROM asked")}
    await faults.worker()
    await faults.until(faults.drained)
    effects = Counter(await faults.effects())
    lost = asked - effects.keys()
    undone = effects.keys() - asked
    twice = {key for key, count in effects.items() if count > 1}
    committed = sum(point["key"] in asked for point in points if point["key"].startswith("enqueue"))
    report(
        f"crash points: {sum('died' in point for point in points)} of {len(points)} processes killed while "
        f"{', '.join(f'{name} {number}' for name, number in counts.items())}; of those that enqueued {committed} had "
        f"committed; {len(lost)} lost, {len(twice)} twice, {len(undone)} ran without a commit"
    )
    assert (lost, twice, undone) == (set(), set(), set())
    assert 0 < committed < counts["enqueue"]
    assert sum("died" in point for point in points) >= 0.9 * len(points)


async def crash(faults: Faults, name: str, points: int) -> list[dict[str, Any]]:
    printed = await asyncio.to_thread(faults.trial.run, "-m", "tests.faults.crashing", name, str(points))
    return [json.loads(line) for line in printed.splitlines() if line.startswith('{"key"')]
