"""One task: all that is kept of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from framework.application import Application
from framework.problems import Problem
from framework.settings import settings_of
from framework.statement import Statement
from framework.tasks import Task
from framework.tasks.masking import MASK
from framework.tasks.registry import tasks_of
from framework.tasks.tables import TaskRow, TaskState
from sqlalchemy import Uuid, bindparam

from background_tasks.settings import BackgroundTasksSettings
from background_tasks.views import timeline
from background_tasks.views.history import rows
from background_tasks.views.schemas import (
    AttemptItem,
    AttemptOutcome,
    Declaration,
    Failure,
    LogLine,
    ParkedReason,
    TaskDetail,
    TaskStatus,
)

MOST_LOGS = 500
MOST_SIBLINGS = 1000
UNKNOWN_TASK = (
    "This process does not know the task: it is of another release, or its module is disabled here. "
    "So it cannot tell which of its arguments are secret."
)

_item = Statement(rows.where(TaskRow.id == bindparam("task_id", type_=Uuid())))
REST = """
SELECT t.args::text, t.error::text, t.cursor::text, t.publications, t.steps, t.unique_key, t.order_key, t.order_seq,
    t.due_at, t.retention, s.heartbeat_at, s.cancel_requested_at
FROM seamark.task AS t LEFT JOIN seamark.task_signal AS s ON s.task_id = t.id WHERE t.id = $1
"""
FAILURES = """
SELECT attempt, worker, started_at, ended_at, error::text FROM seamark.task_failure WHERE task_id = $1 ORDER BY attempt
"""
LOGS = """
SELECT * FROM (
    SELECT id, at, attempt, level, event, fields::text FROM seamark.task_log WHERE task_id = $1 ORDER BY id DESC LIMIT $2
) AS latest ORDER BY id
"""
SIBLINGS = """
SELECT count(*) FROM (SELECT FROM seamark.task WHERE correlation_id = $1 AND id <> $2 LIMIT $3) AS others
"""
EARLIER = """
SELECT id FROM seamark.task WHERE state = 'queued' AND name = $1 AND order_key = $2 AND order_seq < $3
ORDER BY order_seq LIMIT 1
"""
KNOWN_TO_A_WORKER = """
SELECT EXISTS (
    SELECT FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds' AND NOT stopping AND $1 = ANY(tasks)
)
"""
LOST_WORKER = "framework.tasks.failures.LostWorkerError"


async def detail(application: Application, task_id: UUID) -> TaskDetail:
    """Raises ``Problem`` 404."""
    found = await _item.fetch(application.database, task_id=task_id)
    async with application.database.driver_connection() as connection:
        rest = await connection.fetchrow(REST, task_id)
        if not found or rest is None:
            raise not_found()
        item = found[0]
        failures = await connection.fetch(FAILURES, task_id)
        logs = await connection.fetch(LOGS, task_id, MOST_LOGS)
        siblings: int = await connection.fetchval(SIBLINGS, item["correlation_id"], task_id, MOST_SIBLINGS)
        earlier: UUID | None = None
        if rest["order_key"] is not None:
            earlier = await connection.fetchval(EARLIER, item["name"], rest["order_key"], rest["order_seq"])
        parked: ParkedReason | None = None
        if item["status"] == TaskStatus.PARKED:
            known = await connection.fetchval(KNOWN_TO_A_WORKER, item["name"])
            parked = ParkedReason.QUEUE_NOT_CONSUMED if known else ParkedReason.UNKNOWN_NAME
    task = tasks_of(application.modules).get(item["name"])
    attempts = _attempts(item, rest, [_failed(dict(record)) for record in failures])
    arguments, hidden = _arguments(task, rest["args"])
    return TaskDetail.model_validate(
        item
        | {name: rest[name] for name in ("publications", "steps", "unique_key", "order_key", "due_at", "heartbeat_at")}
        | {
            "arguments": arguments,
            "arguments_hidden": hidden,
            "declaration": None if task is None else _declaration(task),
            "failure": _failure(rest["error"]),
            "attempts": attempts,
            "timeline": timeline.timeline(item, rest, attempts),
            "logs": [LogLine.model_validate({**record, "fields": orjson.loads(record["fields"])}) for record in logs],
            "cursor": None if rest["cursor"] is None else orjson.loads(rest["cursor"]),
            "waits_for": earlier,
            "parked": parked,
            "kept_until": _kept_until(item, rest["retention"]),
            "siblings": siblings,
        }
    )


def not_found() -> Problem:
    return Problem(404, "background_tasks.not_found", "There is no such task, or it is long over.")


def _arguments(task: Task | None, stored: str) -> tuple[dict[str, Any], str | None]:
    if task is None:
        return dict.fromkeys(orjson.loads(stored), MASK), UNKNOWN_TASK
    return task.arguments.mask(stored), None


def _declaration(task: Task) -> Declaration:
    return Declaration(
        max_attempts=task.retry.max_attempts,
        soft_limit=task.soft_limit,
        hard_limit=task.hard_limit,
        external=task.external,
        steps=task.cursor is not None,
    )


def _failure(stored: str | None) -> Failure | None:
    if stored is None:
        return None
    return Failure.model_validate({"type": "", "message": "", "traceback": ""} | orjson.loads(stored))


def _failed(record: dict[str, Any]) -> AttemptItem:
    failure = _failure(record["error"])
    lost = failure is not None and failure.type == LOST_WORKER
    return AttemptItem(
        number=record["attempt"],
        outcome=AttemptOutcome.LOST if lost else AttemptOutcome.FAILED,
        worker=record["worker"],
        started_at=record["started_at"],
        ended_at=record["ended_at"],
        failure=failure,
    )


def _attempts(item: dict[str, Any], rest: Any, failures: list[AttemptItem]) -> list[AttemptItem]:
    """Those that failed, and the latest one, which is nowhere but in the task's signal."""
    number = item["attempt"]
    if number == 0 or (failures and failures[-1].number >= number):
        return failures
    ended: dict[str, AttemptOutcome] = {
        TaskState.SUCCEEDED: AttemptOutcome.SUCCEEDED,
        TaskState.CANCELLED: AttemptOutcome.CANCELLED,
        TaskState.FAILED: AttemptOutcome.FAILED,
        TaskStatus.RUNNING: AttemptOutcome.RUNNING,
    }
    outcome = ended.get(item["status"])
    if outcome is None:
        # An attempt that comes to an end takes its heartbeat away. The next start will write down that one was lost.
        outcome = AttemptOutcome.HANDED_BACK if rest["heartbeat_at"] is None else AttemptOutcome.LOST
    latest = AttemptItem(
        number=number,
        outcome=outcome,
        worker=item["worker"],
        started_at=item["started_at"],
        ended_at=rest["heartbeat_at"] if outcome is AttemptOutcome.LOST else item["finished_at"],
        failure=_failure(rest["error"]) if outcome is AttemptOutcome.FAILED else None,
    )
    return [*failures, latest]


def _kept_until(item: dict[str, Any], retention: timedelta | None) -> datetime | None:
    ended: datetime | None = item["finished_at"]
    if ended is None:
        return None
    own = settings_of(BackgroundTasksSettings)
    days = own.dead_letter_retention_days if item["status"] == TaskState.FAILED else own.retention_days
    return ended + (retention or timedelta(days=days))
