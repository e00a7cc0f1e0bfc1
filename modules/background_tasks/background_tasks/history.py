"""The tasks as people see them. Reads Postgres only, so it answers while the broker is down."""

from uuid import UUID

from framework.listing import Listing
from framework.problems import Problem
from framework.tasks import cancel
from framework.tasks.tables import TaskRow, TaskSignal, TaskState
from sqlalchemy import ColumnElement, and_, case, func, literal_column, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from background_tasks.schemas import TaskStatus

# A running task cannot say so in its row, which its transaction holds: its heartbeat does, every second.
_running = and_(
    TaskRow.state == literal_column("'queued'"),
    TaskRow.available_at <= func.now(),
    func.coalesce(TaskSignal.heartbeat_at > func.now() - text("interval '10 seconds'"), False),
)
_rows = select(
    TaskRow.id,
    TaskRow.name,
    TaskRow.queue,
    case((_running, TaskStatus.RUNNING.value), else_=TaskRow.state).label("status"),
    func.coalesce(TaskSignal.attempt, 0).label("attempt"),
    TaskSignal.done,
    TaskSignal.total,
    TaskSignal.note,
    TaskRow.error["message"].astext.label("error"),
    TaskRow.correlation_id,
    TaskRow.created_at,
    TaskRow.available_at,
    TaskSignal.started_at,
    TaskRow.finished_at,
    func.coalesce(TaskSignal.cancel_requested, False).label("cancel_requested"),
).outerjoin(TaskSignal, TaskSignal.task_id == TaskRow.id)


def _conditions(status: TaskStatus | None) -> tuple[ColumnElement[bool], ...]:
    # Literal, so that the planner sees that a partial index fits.
    match status:
        case None:
            return ()
        case TaskStatus.RUNNING:
            return (_running,)
        case TaskStatus.QUEUED:
            return (TaskRow.state == literal_column("'queued'"), not_(_running))
        case _:
            return (TaskRow.state == literal_column(f"'{status}'"),)


lists = {
    status: Listing(
        _rows.where(*_conditions(status)),
        id=TaskRow.id.expression,
        # Ids are in the order of creation.
        sorts={"created_at": TaskRow.id.expression},
        default_sort="-created_at",
        search=lambda q: or_(func.strpos(TaskRow.name, q) > 0, TaskRow.correlation_id == q),
    )
    for status in (None, *TaskStatus)
}
"""By the status that is asked for; a search finds parts of names, and whole correlation ids."""


async def request_cancel(session: AsyncSession, task_id: UUID) -> None:
    """Raises ``Problem`` 404, and 409 for one that has ended."""
    state = await session.scalar(select(TaskRow.state).where(TaskRow.id == task_id))
    if state is None:
        raise Problem(404, "background_tasks.not_found", "There is no such task, or it is long over.")
    if state != TaskState.QUEUED:
        raise Problem(409, "background_tasks.ended", f"This task has {state} already.")
    await cancel(session, task_id)
