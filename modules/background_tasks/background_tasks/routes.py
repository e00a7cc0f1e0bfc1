from typing import Annotated
from uuid import UUID

from fastapi import Path
from framework.application import CurrentApplication
from framework.listing import Page, PageRows
from framework.policies import policy, require
from framework.request_session import Session
from framework.routing import Router

from background_tasks import history
from background_tasks.schemas import TaskItem, TaskListQuery

router = Router("background_tasks")
Id = Annotated[UUID, Path(alias="id")]


@router.get("/tasks", response_model=Page[TaskItem])
@policy(require("background_tasks.view"))
async def list_tasks(query: TaskListQuery, application: CurrentApplication) -> PageRows:
    """What was asked for and what became of it, the latest first."""
    return await history.lists[query.status].page(application.database, query)


@router.post("/tasks/{id}/cancel", status_code=202)
@policy(require("background_tasks.manage"))
async def cancel_task(task_id: Id, session: Session) -> None:
    """It ends when its worker sees this, within about a second; steps that were committed stay."""
    await history.request_cancel(session, task_id)
