"""The row of a task under its lock, which is the guard: of any number of deliveries, one gets it.

Its statements in the driver's own form: through the ORM they cost a small task as much as all the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from framework.tasks.tables import TaskState

LOCK = """
SELECT t.name, t.correlation_id, t.args::text, t.cursor::text, t.step_attempt, coalesce(s.cancel_requested, false)
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
END = """
UPDATE seamark.task SET state = $2, error = coalesce($3::jsonb, error), finished_at = clock_timestamp() WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class LockedRow:
    """Nobody else runs, publishes or changes it until the transaction ends."""

    id: UUID
    name: str
    correlation_id: str
    arguments: str
    cursor: str | None
    step_attempt: int
    cancel_requested: bool

    async def next_step(self, session: AsyncSession, cursor: str, step_attempt: int, lease: timedelta) -> None:
        """Go on at ``cursor``; a relay publishes it after ``lease`` should nobody go on."""
        await _execute(session, NEXT_STEP, self.id, cursor, step_attempt, lease)

    async def repeat_later(self, session: AsyncSession, error: dict[str, Any], backoff: timedelta) -> None:
        await _execute(session, REPEAT_LATER, self.id, orjson.dumps(error).decode(), backoff)

    async def end(self, session: AsyncSession, state: TaskState, error: dict[str, Any] | None) -> None:
        """With ``error``, or that of an earlier attempt."""
        await _execute(session, END, self.id, state, None if error is None else orjson.dumps(error).decode())


async def lock(session: AsyncSession, task_id: UUID) -> LockedRow | None:
    """``None``: another has it, it has ended, or it is not to start yet."""
    rows = await _execute(session, LOCK, task_id)
    return LockedRow(task_id, *rows[0]) if rows else None


async def _execute(session: AsyncSession, statement: str, *values: Any) -> Sequence[Any]:
    def execute(sync_session: Any) -> Sequence[Any]:
        result = sync_session.connection().exec_driver_sql(statement, values)
        return result.all() if result.returns_rows else ()

    return await session.run_sync(execute)
