"""Writing to the outbox: rows in the caller's transaction, and a wake-up for the relays once it has committed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from framework.correlation import correlation_id, new_correlation_id
from framework.tasks.tables import TaskRow, TaskSignal, TaskState
from framework.tasks.wake import wake_relays

INSERT = "INSERT INTO seamark.task (id, name, queue, args, correlation_id) VALUES ($1, $2, $3, $4, $5)"

INSERT_SLOT = insert(TaskRow).values(args={}).on_conflict_do_nothing().returning(TaskRow.id)

REQUEST_CANCEL = (
    insert(TaskSignal)
    .values(task_id=bindparam("asked_id"), cancel_requested=True)
    .on_conflict_do_update(index_elements=[TaskSignal.task_id], set_={"cancel_requested": True})
)
# One that is running holds its row: its heartbeat will see the request, and nobody waits for the row here.
WAITING = select(TaskRow.id).where(TaskRow.id == bindparam("asked_id"), TaskRow.state == TaskState.QUEUED)
PUBLISH_NOW = (
    update(TaskRow)
    .where(TaskRow.id.in_(WAITING.with_for_update(skip_locked=True)))
    .values(publish_at=func.now(), available_at=func.now())
    .execution_options(synchronize_session=False)
)


async def add(session: AsyncSession, name: str, queue: str, arguments: str) -> UUID:
    """``arguments`` is JSON. The row carries the correlation id of what runs now."""
    task_id = uuid7()
    values = (task_id, name, queue, arguments, correlation_id() or new_correlation_id())
    await session.run_sync(_insert, values)
    wake_relays(session)
    return task_id


def _insert(session: Session, values: tuple[UUID, str, str, str, str]) -> None:
    # The driver's own form of a statement, in one hop: the request pays for this, and `insert()` costs twice as much.
    session.connection().exec_driver_sql(INSERT, values)


async def add_slot(session: AsyncSession, name: str, queue: str, schedule: str, due_at: datetime) -> bool:
    """A schedule's slot; False when somebody wrote it before."""
    values = {"id": uuid7(), "name": name, "queue": queue, "schedule": schedule, "due_at": due_at}
    values["correlation_id"] = new_correlation_id()
    written = (await session.execute(INSERT_SLOT, values)).first() is not None
    if written:
        wake_relays(session)
    return written


async def cancel(session: AsyncSession, task_id: UUID) -> None:
    """Ask that a task be cancelled; committed steps stay. It ends as soon as a worker sees this: a second, while one runs it.

    Nothing happens to a task that has ended.
    """
    await session.execute(REQUEST_CANCEL, {"asked_id": task_id})
    await session.execute(PUBLISH_NOW, {"asked_id": task_id})
    wake_relays(session)
