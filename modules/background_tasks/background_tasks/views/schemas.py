"""What the API says of tasks. What it says of queues, workers and schedules is in ``overview_schemas``."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from framework.listing import WITHOUT_NUL, ListParameters
from pydantic import BaseModel, Field, StringConstraints

PriorityName = Literal["high", "normal", "low"]


class TaskStatus(StrEnum):
    """As people tell them apart. The row's own state knows only the last three, and ``queued`` for all the others."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    """Not to start yet."""
    RETRYING = "retrying"
    """An attempt failed, and another one follows."""
    PARKED = "parked"
    """Due, but of the workers that run none takes it."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A dead letter: it does not run again by itself."""
    CANCELLED = "cancelled"


class TaskItem(BaseModel):
    id: UUID
    name: str
    module: str
    queue: str
    priority: PriorityName
    status: TaskStatus
    attempt: int = Field(description="Starts so far.")
    worker: str | None = Field(description="That started it last.")
    done: int | None
    total: int | None
    note: str | None
    error: str | None = Field(description="What went wrong last; a task that is queued may have failed before.")
    correlation_id: str
    schedule: str | None = Field(description="The schedule's entry that it is a slot of.")
    created_at: datetime
    available_at: datetime = Field(description="It does not start before.")
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool


Filter = Annotated[str | None, StringConstraints(max_length=200), WITHOUT_NUL]


class TaskListParameters(ListParameters):
    status: TaskStatus | None = None
    module: Filter = None
    queue: Filter = None
    name: Filter = Field(None, description="A task's whole name; `q` finds parts of it.")
    correlation_id: Filter = None
    schedule: Filter = Field(None, description="The slots of this entry.")


TaskListQuery = Annotated[TaskListParameters, Query()]


class Failure(BaseModel):
    type: str
    message: str
    traceback: str


class AttemptOutcome(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    """Its process went away: killed, out of memory, or past the hard limit."""
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    """Its worker was told to end, or its time there was over; it goes on elsewhere."""


class AttemptItem(BaseModel):
    number: int
    outcome: AttemptOutcome
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    failure: Failure | None


class EventKind(StrEnum):
    ENQUEUED = "enqueued"
    DELAYED = "delayed"
    PUBLISHED = "published"
    STARTED = "started"
    FAILED = "failed"
    LOST = "lost"
    HANDED_BACK = "handed_back"
    CANCEL_REQUESTED = "cancel_requested"
    RETRY = "retry"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


class TimelineEvent(BaseModel):
    kind: EventKind
    at: datetime | None = Field(description="Unknown for a publication: only their number is kept.")
    text: str = Field(description="A short sentence for people.")


class LogLine(BaseModel):
    at: datetime
    attempt: int
    level: str
    event: str
    fields: dict[str, Any]


class ParkedReason(StrEnum):
    UNKNOWN_NAME = "unknown_name"
    """No worker knows it: it is of another release, or its module is disabled there."""
    QUEUE_NOT_CONSUMED = "queue_not_consumed"
    """Workers know it, but none of them consumes its queue."""


class Declaration(BaseModel):
    """What the task's declaration says, as this process knows it."""

    max_attempts: int
    soft_limit: float
    hard_limit: float
    external: bool = Field(description="Its effect leaves the database, so another attempt may cause it again.")
    steps: bool = Field(description="It commits step by step, and goes on after the last one.")


class TaskDetail(TaskItem):
    arguments: dict[str, Any] = Field(description="Secrets masked.")
    arguments_hidden: str | None = Field(description="Why only the names of the arguments are shown, where that is so.")
    declaration: Declaration | None = Field(description="Null where this process does not know the task.")
    failure: Failure | None = Field(description="Of the last attempt that failed.")
    attempts: list[AttemptItem] = Field(description="The first one first.")
    timeline: list[TimelineEvent] = Field(description="In the order of time.")
    logs: list[LogLine] = Field(description="The latest 500, in the order of time.")
    publications: int
    steps: int = Field(description="Committed so far.")
    cursor: Any = Field(description="Where its next step goes on.")
    unique_key: str | None
    order_key: str | None
    waits_for: UUID | None = Field(description="An earlier task with the same order key, which goes first.")
    due_at: datetime | None = Field(description="The slot of its schedule.")
    parked: ParkedReason | None
    heartbeat_at: datetime | None
    kept_until: datetime | None = Field(description="Then it is purged.")
    siblings: int = Field(description="Other tasks with the same correlation id; counted up to 1000.")


class RetryAll(BaseModel):
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="A task's whole name.")


class Retried(BaseModel):
    retried: int
    more: bool = Field(description="There may be more of them: ask again.")
