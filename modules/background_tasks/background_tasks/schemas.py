from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query
from framework.listing import ListParameters
from pydantic import BaseModel, Field


class TaskStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskItem(BaseModel):
    id: UUID
    name: str
    queue: str
    status: TaskStatus
    attempt: int = Field(description="Starts so far.")
    done: int | None
    total: int | None
    note: str | None
    error: str | None = Field(description="What went wrong last; a task that is queued may have failed before.")
    correlation_id: str
    created_at: datetime
    available_at: datetime = Field(description="It does not start before.")
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool


class TaskListParameters(ListParameters):
    status: TaskStatus | None = None


TaskListQuery = Annotated[TaskListParameters, Query()]
