"""``task`` is the outbox, the guard and the history; ``task_signal`` is what a running task lets others see meanwhile."""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from framework.database import module_metadata, type_map


class TaskState(StrEnum):
    """*Running* is no state: the transaction that runs a task holds its row, so nobody could see it written there."""

    QUEUED = "queued"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """Within a queue, and between the queues of a worker, what is more urgent goes first; stored in ``task.priority``."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class Base(DeclarativeBase):
    metadata = module_metadata("seamark")
    type_annotation_map = type_map | {str: Text(), dict[str, Any]: JSONB(), list[str]: ARRAY(Text())}


class TaskRow(Base):
    """One thing to do, written in the transaction of the change that asks for it.

    Whoever locks a queued row runs it, and commits the effect together with the state that says it is done. So a row
    runs on one worker at a time and takes effect once, however often its message arrives.
    """

    __tablename__ = "task"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    queue: Mapped[str]
    args: Mapped[dict[str, Any]]
    correlation_id: Mapped[str]
    """Of the request, task or command that asked for it."""
    traceparent: Mapped[str | None]
    """The span that asked for it (W3C Trace Context), where there is one."""
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    unique_key: Mapped[str | None]
    """While it is queued, no other task of this name has the same."""
    order_key: Mapped[str | None]
    """Of tasks with the same name and this key, the one with the lowest ``order_seq`` runs; the others are due at infinity."""
    order_seq: Mapped[int | None] = mapped_column(BigInteger)
    retention: Mapped[timedelta | None]
    """How long it is kept once it has ended; unset: what the settings say."""
    schedule: Mapped[str | None]
    """The entry that it is a slot of; with ``due_at`` unique, so any number of beats write a slot once."""
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not to be started before: later than now for a repetition after a failure."""
    publish_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """From then on a relay publishes it. Publishing moves it on by half a minute, say, so what was lost is published again."""
    publications: Mapped[int] = mapped_column(server_default=text("0"))
    state: Mapped[str] = mapped_column(server_default=TaskState.QUEUED)
    cursor: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    """Where the next step goes on, written in the transaction of the step before."""
    steps: Mapped[int] = mapped_column(server_default=text("0"))
    step_attempt: Mapped[int] = mapped_column(server_default=text("0"))
    """The attempt that committed the last step: only those after it count against the task."""
    error: Mapped[dict[str, Any] | None]
    """Of the last failed attempt: ``type``, ``message``, ``traceback``."""
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'succeeded', 'failed', 'cancelled')", name="state"),
        # What relays ask, a queue and a priority at a time: due and not done. Done rows leave it, so it stays as small as the backlog.
        Index("task_next_ix", "queue", "priority", "publish_at", postgresql_where=text("state = 'queued'")),
        Index(
            "task_unique_key",
            "name",
            "unique_key",
            unique=True,
            postgresql_where=text("state = 'queued' AND unique_key IS NOT NULL"),
        ),
        Index(
            "task_order_ix",
            "name",
            "order_key",
            "order_seq",
            postgresql_where=text("state = 'queued' AND order_key IS NOT NULL"),
        ),
        # What the purge and the samples ask: what ended when.
        Index("task_finished_ix", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        # What people ask: what did not succeed, few among many, and one task's history. The rest is by id, the order of creation.
        Index("task_ended_ix", "state", "id", postgresql_where=text("state IN ('failed', 'cancelled')")),
        Index("task_name_ix", "name", "id"),
        Index("task_correlation_ix", "correlation_id"),
        Index("task_slot_key", "schedule", "due_at", unique=True, postgresql_where=text("schedule IS NOT NULL")),
    )


class TaskSignal(Base):
    """Written by a second, autocommitting connection while the first holds the row in ``task``; so no foreign key."""

    __tablename__ = "task_signal"

    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    """Starts so far. Counted when it starts, so one that kills its process counts too."""
    worker: Mapped[str | None]
    started_at: Mapped[datetime | None]
    """Of the latest attempt."""
    heartbeat_at: Mapped[datetime | None] = mapped_column(index=True)
    """Indexed, so that what runs is found among all that ever ran."""
    done: Mapped[int | None] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    cancel_requested_at: Mapped[datetime | None]


class TaskFailure(Base):
    """An attempt that did not come to its end: it raised, or its process went away. What succeeds at once leaves none."""

    __tablename__ = "task_failure"

    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    worker: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    """Of an attempt whose process went away: when it was last seen."""
    error: Mapped[dict[str, Any]]
    """``type``, ``message``, ``traceback``."""


class TaskLog(Base):
    """What a task logged while it ran, bounded per attempt, so that it can be read where no log store is at hand."""

    __tablename__ = "task_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    task_id: Mapped[UUID] = mapped_column(index=True)
    attempt: Mapped[int]
    at: Mapped[datetime]
    level: Mapped[str]
    event: Mapped[str]
    fields: Mapped[dict[str, Any]]


class TaskWorker(Base):
    """The workers, as each reports itself: from its consumer's loop, so a worker that no longer consumes goes silent."""

    __tablename__ = "task_worker"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    queues: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    tasks: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    """The names it knows: what nobody knows is parked."""
    concurrency: Mapped[int] = mapped_column(server_default=text("0"))
    release: Mapped[str] = mapped_column(server_default=text("''"))
    stopping: Mapped[bool] = mapped_column(server_default=text("false"))


class TaskSample(Base):
    """What a relay saw of a queue, four times a minute, for the plots of the last hours."""

    __tablename__ = "task_sample"

    queue: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    """A multiple of 15 s: whichever relay comes first writes it."""
    waiting: Mapped[int]
    """Due, not begun."""
    lag: Mapped[float]
    """Seconds that the longest due has waited."""
    finished: Mapped[int]
    """Since the sample before: whatever their end."""
    failed: Mapped[int]
    in_broker: Mapped[int | None]
    """Messages in the broker; unknown while it does not answer."""


class ScheduleState(Base):
    """How far each schedule has got, so that a beat knows what was missed while none ran."""

    __tablename__ = "task_schedule"

    entry: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    timing: Mapped[str]
    """For people: ``every 5 minutes``, ``0 3 * * * Europe/Berlin``."""
    missed: Mapped[str]
    last_due_at: Mapped[datetime | None]
    """The latest slot that was dealt with: written, or skipped by its policy."""
    next_due_at: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When a beat last looked at it: one of a module that was removed falls behind."""


class SubscriptionRow(Base):
    """Who is told of an event: the enabled modules' subscriptions, as ``sm migrate`` last wrote them.

    In Postgres, because a process with few modules publishes for subscribers that it does not import.
    """

    __tablename__ = "subscription"

    event: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    module: Mapped[str]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    ordered: Mapped[bool] = mapped_column(server_default=text("false"))
    retention: Mapped[timedelta | None]
