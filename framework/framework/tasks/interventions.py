"""What a person, or another task, may do about one that is in the outbox already: cancel it, or give it another chance."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from framework.tasks.guard import END, LOCK_ORDER, RELEASE_NEXT
from framework.tasks.outbox import execute
from framework.tasks.tables import TaskState
from framework.tasks.wake import wake_relays

REQUEST_CANCEL = """
INSERT INTO seamark.task_signal AS s (task_id, cancel_requested, cancel_requested_at)
SELECT id, true, now() FROM seamark.task WHERE id = $1 AND state = 'queued'
ON CONFLICT (task_id) DO UPDATE
SET cancel_requested = true, cancel_requested_at = coalesce(s.cancel_requested_at, excluded.cancel_requested_at)
"""
# One that is running holds its row: its heartbeat will see the request, and nobody waits for the row here.
PUBLISH_NOW = """
UPDATE seamark.task SET publish_at = now(), available_at = now()
WHERE id IN (SELECT id FROM seamark.task WHERE id = $1 AND state = 'queued' FOR UPDATE SKIP LOCKED)
"""

# A worker that knows it would tell its module; so would one that comes back within the half minute.
UNKNOWN = """
SELECT name, order_key FROM seamark.task AS t WHERE id = $1 AND state = 'queued' AND NOT EXISTS (
    SELECT FROM seamark.task_worker WHERE t.name = ANY(tasks) AND seen_at > now() - interval '30 seconds'
) FOR UPDATE OF t SKIP LOCKED
"""

# As who publishes an event and who ends an ordered task: one at a time for each key.
TAKE_TURNS = """
SELECT pg_advisory_xact_lock(hashtextextended(name || chr(31) || order_key, 0))
FROM seamark.task WHERE id = ANY($1) AND order_key IS NOT NULL ORDER BY name, order_key
"""
# Counted anew, because only attempts after `step_attempt` count. Of tasks in order, one waits for those that wait already.
REVIVE = """
UPDATE seamark.task AS t SET state = 'queued', finished_at = NULL, available_at = now(),
    step_attempt = coalesce((SELECT attempt FROM seamark.task_signal WHERE task_id = t.id), 0),
    publish_at = CASE WHEN order_key IS NOT NULL AND EXISTS (
        SELECT FROM seamark.task AS other WHERE other.name = t.name AND other.order_key = t.order_key
        AND (other.state = 'queued'
            OR other.id = ANY($1) AND other.state IN ('failed', 'cancelled') AND other.order_seq < t.order_seq)
    ) THEN 'infinity' ELSE now() END
WHERE id = ANY($1) AND state IN ('failed', 'cancelled')
RETURNING id
"""
FORGET_CANCEL = """
UPDATE seamark.task_signal SET cancel_requested = false, cancel_requested_at = NULL WHERE task_id = ANY($1)
"""
# Of those with the same key the latest, and none whose key is taken.
FAILED = """
SELECT id FROM (
    SELECT DISTINCT ON (coalesce(unique_key, id::text)) id FROM seamark.task AS t
    WHERE state = 'failed' AND name = $1 AND NOT EXISTS (
        SELECT FROM seamark.task AS other
        WHERE other.state = 'queued' AND other.name = $1 AND other.unique_key = t.unique_key
    )
    ORDER BY coalesce(unique_key, id::text), id DESC
) AS latest
ORDER BY id LIMIT $2
"""


class KeyTakenError(Exception):
    """Another task of this name with the same unique key waits or runs, so this one must stay what it is."""


async def cancel(session: AsyncSession, task_id: UUID) -> None:
    """Ask that a task be cancelled; committed steps stay. It ends as soon as a worker sees this: a second, while one runs it.

    Nothing happens to a task that has ended.
    """
    await session.run_sync(execute, REQUEST_CANCEL, (task_id,))
    await session.run_sync(execute, PUBLISH_NOW, (task_id,))
    wake_relays(session)


async def cancel_unknown(session: AsyncSession, task_id: UUID) -> None:
    """As ``cancel``, for a task that none of the caller's modules knows: it ends at once, unless a live worker knows it.

    Its ``on_end`` is not called, for nobody has it.
    """
    await cancel(session, task_id)
    for name, order_key in await session.run_sync(execute, UNKNOWN, (task_id,)):
        if order_key is not None:
            await session.run_sync(execute, LOCK_ORDER, (name, order_key))
        await session.run_sync(execute, END, (task_id, TaskState.CANCELLED, None))
        if order_key is not None:
            await session.run_sync(execute, RELEASE_NEXT, (name, order_key))


async def retry(session: AsyncSession, task_id: UUID) -> bool:
    """Give a task that has failed or was cancelled all its attempts anew; it goes on after its last committed step.

    False where there is no such task. Raises ``KeyTakenError``; the session can be used on after it.
    """
    return await _revive(session, [task_id]) == 1


async def retry_failed(session: AsyncSession, name: str, limit: int = 1000) -> int:
    """As ``retry``, for all that have failed of one kind, the oldest first; how many.

    Of several with the same unique key the latest, and none where a task with that key waits or runs. Raises
    ``KeyTakenError`` where one was enqueued at the same moment: ask again.
    """
    failed = await session.run_sync(execute, FAILED, (name, limit))
    return await _revive(session, [row.id for row in failed])


async def _revive(session: AsyncSession, task_ids: list[UUID]) -> int:
    await session.run_sync(execute, TAKE_TURNS, (task_ids,))
    try:
        async with session.begin_nested():
            revived = await session.run_sync(execute, REVIVE, (task_ids,))
    except IntegrityError as error:
        raise KeyTakenError("Another task with the same key waits or runs") from error
    await session.run_sync(execute, FORGET_CANCEL, ([row.id for row in revived],))
    wake_relays(session)
    return len(revived)
