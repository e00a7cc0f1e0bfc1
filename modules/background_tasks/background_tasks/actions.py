"""What people may do to a task: have it run again, and cancel it."""

from uuid import UUID

from framework.problems import Problem
from framework.tasks import cancel as request_cancel
from framework.tasks.tables import TaskRow, TaskState
from framework.tasks.wake import wake_relays
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from background_tasks.detail import not_found

AGAIN = """
UPDATE seamark.task AS t SET state = 'queued', finished_at = NULL, available_at = now(), publish_at = now(),
    step_attempt = coalesce((SELECT attempt FROM seamark.task_signal WHERE task_id = t.id), 0)
"""


async def cancel(session: AsyncSession, task_id: UUID) -> None:
    """Raises ``Problem`` 404, and 409 for one that has ended."""
    state = await _state(session, task_id)
    if state is not TaskState.QUEUED:
        raise Problem(409, "background_tasks.ended", f"This task has {_ended(state)} already.")
    await request_cancel(session, task_id)


async def retry(session: AsyncSession, task_id: UUID) -> None:
    """Raises ``Problem`` 404, and 409 for one that has succeeded, or is still to run anyway."""
    state = await _state(session, task_id)
    if state is TaskState.SUCCEEDED:
        raise Problem(409, "background_tasks.succeeded", "This task has succeeded, so its effect is there already.")
    if state is TaskState.QUEUED:
        raise Problem(409, "background_tasks.queued", "This task runs or waits already.")
    await session.execute(text(AGAIN + "WHERE id = :id AND state IN ('failed', 'cancelled')"), {"id": task_id})
    wake_relays(session)


async def retry_all(session: AsyncSession, name: str) -> int:
    """All dead letters of a task; returns how many there were."""
    again = await session.execute(text(AGAIN + "WHERE name = :name AND state = 'failed' RETURNING id"), {"name": name})
    wake_relays(session)
    return len(again.all())


async def _state(session: AsyncSession, task_id: UUID) -> TaskState:
    state = await session.scalar(select(TaskRow.state).where(TaskRow.id == task_id))
    if state is None:
        raise not_found()
    return TaskState(state)


def _ended(state: TaskState) -> str:
    return "been cancelled" if state is TaskState.CANCELLED else state.value
