"""The row of a task under its lock, which is the guard: of any number of deliveries, one gets it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from framework.tasks.tables import TaskState
from framework.tasks.transaction import Transaction

LOCK = """
SELECT t.name, t.correlation_id, t.traceparent, t.args::text, t.cursor::text, t.steps, t.step_attempt, t.order_key, t.due_at,
       coalesce(s.attempt, 0), s.heartbeat_at IS NOT NULL, coalesce(s.cancel_requested, false)
FROM seamark.task AS t LEFT JOIN seamark.task_signal AS s ON s.task_id = t.id
WHERE t.id = $1 AND t.state = 'queued' AND t.available_at <= now()
FOR UPDATE OF t SKIP LOCKED
"""
# Where an effect came before, the time is the clock's: now() is when its transaction began.
NEXT_STEP = """
UPDATE seamark.task SET cursor = $2::jsonb, steps = steps + 1, step_attempt = $3, publish_at = clock_timestamp() + $4
WHERE id = $1
"""
REPEAT_LATER = """
UPDATE seamark.task SET error = $2::jsonb, available_at = now() + $3, publish_at = now() + $3 WHERE id = $1
"""
HAND_BACK = "UPDATE seamark.task SET step_attempt = step_attempt + $2, publish_at = clock_timestamp() WHERE id = $1"
END = """
UPDATE seamark.task SET state = $2, error = coalesce($3::jsonb, error), finished_at = clock_timestamp() WHERE id = $1
"""
# Who enqueues with the same key holds the same lock until its row can be seen: so no row waits for one that has ended.
# Its lag counts from its release: until then nobody was to begin it.
LOCK_ORDER = "SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))"
RELEASE_NEXT = """
UPDATE seamark.task SET available_at = clock_timestamp(), publish_at = clock_timestamp()
WHERE publish_at = 'infinity' AND id = (
    SELECT id FROM seamark.task WHERE name = $1 AND order_key = $2 AND state = 'queued' ORDER BY order_seq LIMIT 1
)
"""
FAILURE = """
INSERT INTO seamark.task_failure AS f (task_id, attempt, worker, started_at, ended_at, error)
VALUES ($1, $2, $3, (SELECT started_at FROM seamark.task_signal WHERE task_id = $1), clock_timestamp(), $4::jsonb)
ON CONFLICT (task_id, attempt) DO UPDATE SET worker = $3, ended_at = excluded.ended_at, error = excluded.error
"""
# An attempt that comes to an end takes its heartbeat away; where one is left, the attempt went away with its process.
REST = "UPDATE seamark.task_signal SET heartbeat_at = NULL WHERE task_id = $1"


@dataclass(frozen=True, slots=True)
class LockedRow:
    """Nobody else runs, publishes or changes it until the transaction ends."""

    transaction: Transaction
    id: UUID
    name: str
    correlation_id: str
    traceparent: str | None
    arguments: str
    cursor: str | None
    steps: int
    step_attempt: int
    order_key: str | None
    due_at: datetime | None
    attempt: int
    """Starts so far."""
    lost: bool
    """The latest of them has not come to an end."""
    cancel_requested: bool

    async def next_step(self, cursor: str, step_attempt: int, publish_after: timedelta) -> None:
        """Go on at ``cursor``; a relay publishes it then should nobody go on."""
        await self.transaction.execute(NEXT_STEP, self.id, cursor, step_attempt, publish_after)

    async def hand_back(self, uncounted: int) -> None:
        """Publish it at once. So many of its attempts, the latest, do not count."""
        await self.transaction.execute(HAND_BACK, self.id, uncounted)
        await self.rest()

    async def repeat_later(self, error: dict[str, Any], delay: timedelta) -> None:
        await self.transaction.execute(REPEAT_LATER, self.id, _json(error), delay)
        await self.rest()

    async def failed(self, attempt: int, worker: str, error: dict[str, Any]) -> None:
        """Keep why this attempt failed."""
        await self.transaction.execute(FAILURE, self.id, attempt, worker, _json(error))

    async def end(self, state: TaskState, error: dict[str, Any] | None) -> None:
        """With ``error``, or that of an earlier attempt. Of tasks in order, the next one may run then."""
        if self.order_key is not None:
            await self.transaction.execute(LOCK_ORDER, self.name, self.order_key)
        await self.transaction.execute(END, self.id, state, None if error is None else _json(error))
        if self.order_key is not None:
            await self.transaction.execute(RELEASE_NEXT, self.name, self.order_key)
        if state is not TaskState.SUCCEEDED:
            await self.rest()

    async def rest(self) -> None:
        """Nobody works at it."""
        await self.transaction.execute(REST, self.id)


async def lock(transaction: Transaction, task_id: UUID) -> LockedRow | None:
    """``None``: another has it, it has ended, or it is not to start yet."""
    found = await transaction.row(LOCK, task_id)
    return None if found is None else LockedRow(transaction, task_id, *found)


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
