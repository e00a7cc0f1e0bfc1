"""What people may do to a task: have it run again, and cancel it."""

from uuid import UUID

from framework.problems import Problem
from framework.tasks import interventions
from framework.tasks.interventions import KeyTakenError
from framework.tasks.registry import tasks_of
from framework.tasks.tables import TaskRow, TaskState
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from background_tasks.views.detail import not_found

BATCH = 1000
KEY_TAKEN = "Another task with the same key waits or runs, so this one has nothing left to do."


async def cancel(session: AsyncSession, task_id: UUID) -> None:
    """Raises ``Problem`` 404, and 409 for one that has ended."""
    name, state = await _named(session, task_id)
    if state is not TaskState.QUEUED:
        raise Problem(409, "background_tasks.ended", f"This task has {_ended(state)} already.")
    if name in tasks_of(session.info["application"].modules):
        await interventions.cancel(session, task_id)
    else:
        # Of a module that was disabled, say: no worker may ever come to end it.
        await interventions.cancel_unknown(session, task_id)


async def retry(session: AsyncSession, task_id: UUID) -> None:
    """Raises ``Problem`` 404, and 409 for one that has succeeded, is still to run, or whose key another task has."""
    _, state = await _named(session, task_id)
    if state is TaskState.SUCCEEDED:
        raise Problem(409, "background_tasks.succeeded", "This task has succeeded, so its effect is there already.")
    try:
        revived = state is not TaskState.QUEUED and await interventions.retry(session, task_id)
    except KeyTakenError:
        raise Problem(409, "background_tasks.key_taken", KEY_TAKEN) from None
    if not revived:
        raise Problem(409, "background_tasks.queued", "This task waits or runs already.")


async def retry_all(session: AsyncSession, name: str) -> int:
    """The oldest thousand dead letters of a task; returns how many there were."""
    try:
        return await interventions.retry_failed(session, name, BATCH)
    except KeyTakenError:
        again = "Another task with the key of one of them was enqueued just now. Ask again."
        raise Problem(409, "background_tasks.key_taken", again) from None


async def _named(session: AsyncSession, task_id: UUID) -> tuple[str, TaskState]:
    row = (await session.execute(select(TaskRow.name, TaskRow.state).where(TaskRow.id == task_id))).one_or_none()
    if row is None:
        raise not_found()
    return row.name, TaskState(row.state)


def _ended(state: TaskState) -> str:
    return "been cancelled" if state is TaskState.CANCELLED else state.value
