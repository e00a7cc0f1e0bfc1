"""The tasks as people see them. Reads Postgres only, so it answers while the broker is down."""

from functools import cache
from uuid import UUID

from framework.database import Database
from framework.listing import Listing, PageRows
from framework.tasks.tables import Priority, TaskRow, TaskSignal, TaskState, TaskWorker
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
)

from background_tasks.views.schemas import TaskListParameters, TaskStatus

# Literal, so that the planner sees that a partial index fits.
_queued = TaskRow.state == literal_column(f"'{TaskState.QUEUED}'")
_due = TaskRow.available_at <= func.now()
# A running task cannot say so in its row, which its transaction holds: its heartbeat does, every second.
_beats = TaskSignal.heartbeat_at > func.now() - text("interval '10 seconds'")
_running = and_(_queued, _due, func.coalesce(_beats, False))
# By their heartbeats, which are few: joined to a long backlog, they would be looked for in each of its rows.
_beating = select(TaskSignal.task_id).where(_beats)
_failed_before = TaskRow.error.is_not(None)
_live = and_(TaskWorker.seen_at > func.now() - text("interval '30 seconds'"), not_(TaskWorker.stopping))
_taken = exists().where(_live, TaskRow.queue == any_(TaskWorker.queues), TaskRow.name == any_(TaskWorker.tasks))
# While no worker lives at all, each would be parked; that is said once, by health, and not of every task.
_parked = and_(_queued, _due, not_(_taken), exists().where(_live))

_idle = and_(_queued, not_(_running))
_conditions: dict[TaskStatus | None, ColumnElement[bool]] = {
    None: true(),
    TaskStatus.RUNNING: and_(_queued, _due, TaskRow.id == any_(func.array(_beating.scalar_subquery()))),
    TaskStatus.SCHEDULED: and_(_idle, not_(_due), not_(_failed_before)),
    TaskStatus.RETRYING: and_(_idle, not_(_parked), _failed_before),
    TaskStatus.PARKED: and_(_idle, _parked),
    TaskStatus.QUEUED: and_(_idle, _due, not_(_parked), not_(_failed_before)),
    **{
        TaskStatus(state): TaskRow.state == literal_column(f"'{state}'")
        for state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)
    },
}
_status = case(
    (not_(_queued), TaskRow.state),
    (_running, TaskStatus.RUNNING.value),
    (_parked, TaskStatus.PARKED.value),
    (_failed_before, TaskStatus.RETRYING.value),
    (not_(_due), TaskStatus.SCHEDULED.value),
    else_=TaskStatus.QUEUED.value,
)

rows = select(
    TaskRow.id,
    TaskRow.name,
    func.split_part(TaskRow.name, ".", 1).label("module"),
    TaskRow.queue,
    case((TaskRow.priority <= Priority.HIGH, "high"), (TaskRow.priority >= Priority.LOW, "low"), else_="normal").label(
        "priority"
    ),
    _status.label("status"),
    func.coalesce(TaskSignal.attempt, 0).label("attempt"),
    TaskSignal.worker,
    TaskSignal.done,
    TaskSignal.total,
    TaskSignal.note,
    TaskRow.error["message"].astext.label("error"),
    TaskRow.correlation_id,
    TaskRow.schedule,
    TaskRow.created_at,
    TaskRow.available_at,
    TaskSignal.started_at,
    TaskRow.finished_at,
    func.coalesce(TaskSignal.cancel_requested, False).label("cancel_requested"),
).outerjoin(TaskSignal, TaskSignal.task_id == TaskRow.id)
"""The columns of an item in the list."""

_filters: dict[str, ColumnElement[bool]] = {
    # Names that begin with the module's: the index finds whole names, and their order depends on the collation.
    "module": TaskRow.name == any_(bindparam("module_names", type_=ARRAY(Text()))),
    "queue": TaskRow.queue == bindparam("queue", type_=Text()),
    "name": TaskRow.name == bindparam("name", type_=Text()),
    "correlation_id": TaskRow.correlation_id == bindparam("correlation_id", type_=Text()),
    "schedule": TaskRow.schedule == bindparam("schedule", type_=Text()),
}


def _matches(q: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(
        TaskRow.name == any_(bindparam("found_names", type_=ARRAY(Text()))),
        TaskRow.correlation_id == q,
        TaskRow.id == bindparam("found_id", type_=Uuid()),
    )


@cache
def _listing(status: TaskStatus | None, filters: frozenset[str]) -> Listing:
    """Of each combination that somebody asks for, at most a few hundred: so each has a plan that fits it."""
    return Listing(
        rows.where(_conditions[status], *(_filters[name] for name in sorted(filters))),
        id=TaskRow.id.expression,
        # Ids are in the order of creation.
        sorts={"created_at": TaskRow.id.expression},
        default_sort="-created_at",
        search=_matches,
    )


async def page(database: Database, query: TaskListParameters) -> PageRows:
    """The latest first. A search finds parts of names, whole correlation ids, and ids."""
    values = {name: value for name in _filters if (value := getattr(query, name))}
    filters = frozenset(values)
    if query.module or query.q:
        names = await known_names(database)
        values["module_names"] = [name for name in names if name.startswith(f"{query.module}.")]
        values["found_names"] = [name for name in names if query.q.lower() in name.lower()]
        values["found_id"] = _as_id(query.q)
    return await _listing(query.status, filters).page(database, query, **values)


def _as_id(q: str) -> UUID | None:
    try:
        return UUID(q)
    except ValueError:
        return None


# Jumps from name to name along `task_name_ix`: a few hops, however many rows there are.
NAMES = """
WITH RECURSIVE known AS (
    (SELECT name FROM seamark.task ORDER BY name LIMIT 1)
    UNION ALL
    SELECT (SELECT name FROM seamark.task WHERE name > known.name ORDER BY name LIMIT 1) FROM known WHERE name IS NOT NULL
)
SELECT name FROM known WHERE name IS NOT NULL
"""


async def known_names(database: Database) -> list[str]:
    """Of all tasks in the history."""
    async with database.driver_connection() as connection:
        return [record["name"] for record in await connection.fetch(NAMES)]
