"""What the API says of queues, workers and schedules, and at the head of its pages."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from background_tasks.views.schemas import TaskStatus


class QueueItem(BaseModel):
    queue: str
    waiting: int = Field(description="Due and not begun.")
    running: int
    delayed: int = Field(description="Due later, failed ones that are to run again among them.")
    dead_letters: int
    lag_seconds: float = Field(description="How long the longest due task has been waiting.")
    per_minute: int | None = Field(description="Ended in the last minute; null while no relay writes samples.")
    in_broker: int | None = Field(description="Messages in the broker when a relay last looked; null: unknown.")
    workers: list[str] = Field(description="Live workers that consume it.")


class Queues(BaseModel):
    items: list[QueueItem]


class SamplesParameters(BaseModel):
    minutes: int = Field(60, ge=5, le=1440, description="How far back.")


SamplesQuery = Annotated[SamplesParameters, Query()]


class QueueSamples(BaseModel):
    """A value for each step; null where no relay looked."""

    queue: str
    waiting: list[int | None] = Field(description="The most in the step.")
    lag: list[float | None] = Field(description="Seconds; the longest in the step.")
    finished: list[int | None] = Field(description="In the step, whatever their end.")
    failed: list[int | None] = Field(description="Dead letters of the step.")
    in_broker: list[int | None]


class Samples(BaseModel):
    start: datetime = Field(description="Of the first step.")
    step_seconds: int
    steps: int = Field(description="At most 240.")
    series: list[QueueSamples]


class WorkerStatus(StrEnum):
    RUNNING = "running"
    STOPPING = "stopping"
    """Told to end: it finishes what it has begun."""
    SILENT = "silent"
    """Not heard of for half a minute."""


class RunningTask(BaseModel):
    id: UUID
    name: str
    attempt: int
    started_at: datetime
    done: int | None
    total: int | None
    note: str | None


class WorkerItem(BaseModel):
    name: str
    status: WorkerStatus
    started_at: datetime
    seen_at: datetime
    queues: list[str]
    tasks: list[str] = Field(description="The names that it knows.")
    concurrency: int
    release: str
    running: list[RunningTask]


class Workers(BaseModel):
    items: list[WorkerItem]


class LastRun(BaseModel):
    id: UUID
    status: TaskStatus
    due_at: datetime
    finished_at: datetime | None


class ScheduleItem(BaseModel):
    entry: str
    task: str
    timing: str = Field(description="In words.")
    missed: str = Field(description="What happens to slots that were due while no beat ran: skip, once or all.")
    last_due_at: datetime | None
    next_due_at: datetime | None
    seen_at: datetime = Field(description="When a beat last looked at it.")
    gone: bool = Field(description="No beat looks at it any more, though one looks at others: its module was removed.")
    last_run: LastRun | None


class Schedules(BaseModel):
    items: list[ScheduleItem]
    beat_seen_at: datetime | None = Field(description="When any beat was last seen.")


class NamedCount(BaseModel):
    name: str
    count: int
    latest_at: datetime
    external: bool
    """Their effect leaves the database; false where this process does not know the task."""


class Counts(BaseModel):
    queued: int = 0
    scheduled: int = 0
    retrying: int = 0
    parked: int = 0
    running: int = 0
    failed: int = 0
    cancelled: int = 0
    ended_last_hour: int
    failed_last_hour: int


class Summary(BaseModel):
    """The head of the pages."""

    counts: Counts
    dead_letters: list[NamedCount] = Field(description="By task, the most first.")
    parked: list[NamedCount] = Field(description="By task, the most first.")
    workers: int = Field(description="Live ones.")
    modules: list[str] = Field(description="Modules that tasks in the list are of, for its filter.")
    queues: list[str] = Field(description="The same for queues.")
    names: list[str] = Field(description="The same for tasks.")
