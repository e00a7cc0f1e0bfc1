"""What a beat asks of Postgres. Each statement is a transaction of its own and has a short answer.

So a beat that is frozen, wherever it was, holds nothing that another one waits for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from framework.correlation import new_correlation_id
from framework.tasks import Schedule
from framework.tasks.wake import CHANNEL
from uuid_utils.compat import uuid7

from background_tasks.beat.missed import Decision

if TYPE_CHECKING:
    from asyncpg import Connection, Record

READ = """
SELECT asked.entry, now() AS now, task, timing, missed, next_due_at, now() - seen_at AS unseen_for
FROM unnest($1::text[]) AS asked (entry) LEFT JOIN seamark.task_schedule AS s ON s.entry = asked.entry
"""
# Writes nothing unless the schedule is still where it was when this was decided: another beat may have decided
# otherwise since, and its policy may have passed over these very slots.
WRITE = """
WITH decided AS (
    INSERT INTO seamark.task_schedule AS s (entry, task, timing, missed, last_due_at, next_due_at)
    SELECT $1, $2, $3, $4, $5::timestamptz, $6::timestamptz WHERE now() <= $7
    ON CONFLICT (entry) DO UPDATE SET
        task = excluded.task, timing = excluded.timing, missed = excluded.missed, seen_at = now(),
        last_due_at = coalesce(excluded.last_due_at, s.last_due_at), next_due_at = excluded.next_due_at
    WHERE s.timing = $8 AND s.next_due_at IS NOT DISTINCT FROM $9
    RETURNING entry
), written AS (
    INSERT INTO seamark.task (id, name, queue, priority, args, correlation_id, unique_key, retention, schedule, due_at)
    SELECT slot.id, $2, $10, $11, '{}', slot.correlation_id, $12, $13, decided.entry, slot.due_at
    FROM decided CROSS JOIN unnest($14::uuid[], $15::text[], $16::timestamptz[]) AS slot (id, correlation_id, due_at)
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT EXISTS (SELECT FROM decided) AS decided, (SELECT count(*) FROM written) AS written
"""
TOUCH = """
UPDATE seamark.task_schedule SET seen_at = now() WHERE entry IN (
    SELECT entry FROM seamark.task_schedule WHERE entry = ANY($1) FOR UPDATE SKIP LOCKED
)
"""
FORGET = "DELETE FROM seamark.task_schedule WHERE seen_at < now() - interval '1 day' RETURNING entry"


@dataclass(frozen=True, slots=True)
class State:
    """A schedule's row, as it was ``now``."""

    now: datetime
    """By the clock of Postgres, which all beats share."""
    task: str | None
    """``None`` when there is no row yet."""
    timing: str | None
    missed: str | None
    next_due_at: datetime | None
    unseen_for: timedelta

    def fits(self, schedule: Schedule) -> bool:
        described = (schedule.task.name, str(schedule.timing), schedule.missed)
        return (self.task, self.timing, self.missed) == described


class Timetable:
    def __init__(self, connection: "Connection[Record]") -> None:
        self._connection = connection

    @property
    def is_lost(self) -> bool:
        return self._connection.is_closed()

    async def read(self, entries: Collection[str]) -> dict[str, State]:
        return {
            record["entry"]: State(
                record["now"],
                record["task"],
                record["timing"],
                record["missed"],
                record["next_due_at"],
                record["unseen_for"] or timedelta(0),
            )
            for record in await self._connection.fetch(READ, entries)
        }

    async def write(self, schedule: Schedule, before: State, decision: Decision) -> int | None:
        """How many tasks it wrote; ``None`` when the schedule is no longer as ``before``, and nothing was done."""
        task, slots = schedule.task, decision.slots
        record = await self._connection.fetchrow(
            WRITE,
            schedule.entry,
            task.name,
            str(schedule.timing),
            schedule.missed,
            decision.last_due_at,
            decision.next_due_at,
            decision.valid_until,
            before.timing,
            before.next_due_at,
            task.queue,
            task.priority,
            task.unique_key({}),
            task.retention,
            [uuid7() for _ in slots],
            [new_correlation_id() for _ in slots],
            slots,
        )
        assert record is not None
        return record["written"] if record["decided"] else None

    async def wake_relays(self) -> None:
        await self._connection.execute(f"NOTIFY {CHANNEL}")

    async def touch(self, entries: Collection[str]) -> None:
        await self._connection.execute(TOUCH, entries)

    async def forget(self) -> list[str]:
        """Schedules that no beat has looked at for a day: their modules were removed. Returns their names."""
        return [record["entry"] for record in await self._connection.fetch(FORGET)]
