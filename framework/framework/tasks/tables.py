"""``task`` is the outbox, the guard and the history; ``task_signal`` is what a running task lets others see meanwhile."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, func, text
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


class Base(DeclarativeBase):
    metadata = module_metadata("seamark")
    type_annotation_map = type_map | {str: Text(), dict[str, Any]: JSONB()}


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
    schedule: Mapped[str | None]
    """The entry that it is a slot of; with ``due_at`` unique, so any number of beats write a slot once."""
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not to be started before: later than now for a repetition after a failure."""
    publish_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """From then on a relay publishes it. Publishing moves it to the end of a lease, so what was lost is published again."""
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
        # What relays ask, a queue at a time: due and not done. Done rows leave it, so it stays as small as the backlog.
        Index("task_due_ix", "queue", "publish_at", postgresql_where=text("state = 'queued'")),
        # What people ask: what did not succeed, few among many, and one task's history. The rest is by id, the order of creation.
        Index("task_ended_ix", "state", "id", postgresql_where=text("state IN ('failed', 'cancelled')")),
        Index("task_name_ix", "name", "id"),
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
    heartbeat_at: Mapped[datetime | None]
    done: Mapped[int | None] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))


class TaskWorker(Base):
    """The workers, as each reports itself: from its consumer's loop, so a worker that no longer consumes goes silent."""

    __tablename__ = "task_worker"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
