"""The API of tasks: Postgres only, so it answers while the broker is down."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from framework.application import CurrentApplication
from framework.listing import Page, PageRows
from framework.policies import policy, require
from framework.request_session import Session
from framework.routing import Router

from background_tasks.views import actions, detail, history, overview, queues, workforce
from background_tasks.views.overview_schemas import Queues, Samples, SamplesQuery, Schedules, Summary, Workers
from background_tasks.views.schemas import Retried, RetryAll, TaskDetail, TaskItem, TaskListQuery

router = Router("background_tasks")
Id = Annotated[UUID, Path(alias="id")]
view, manage = require("background_tasks.view"), require("background_tasks.manage")


@router.get("/tasks", response_model=Page[TaskItem])
@policy(view)
async def list_tasks(query: TaskListQuery, application: CurrentApplication) -> PageRows:
    """What was asked for and what became of it, the latest first. A search finds parts of names, correlation ids and ids."""
    return await history.page(application.database, query)


@router.post("/tasks/retry")
@policy(manage, retry_safe=True)
async def retry_tasks(what: RetryAll, session: Session) -> Retried:
    """Have the dead letters of a task run again, a thousand at a time, the oldest first."""
    retried = await actions.retry_all(session, what.name)
    return Retried(retried=retried, more=retried == actions.BATCH)


@router.get("/tasks/{id}")
@policy(view)
async def get_task(task_id: Id, application: CurrentApplication) -> TaskDetail:
    """All that is kept of one task. Secrets among its arguments are masked."""
    return await detail.detail(application, task_id)


@router.post("/tasks/{id}/retry", status_code=202)
@policy(manage)
async def retry_task(task_id: Id, session: Session) -> None:
    """Have a failed or cancelled task run again, with as many attempts as at first and after the steps it has committed."""
    await actions.retry(session, task_id)


@router.post("/tasks/{id}/cancel", status_code=202)
@policy(manage, retry_safe=True)
async def cancel_task(task_id: Id, session: Session) -> None:
    """It ends when its worker sees this, within about a second; steps that were committed stay."""
    await actions.cancel(session, task_id)


@router.get("/summary")
@policy(view)
async def get_summary(application: CurrentApplication) -> Summary:
    """How many tasks are in which state, and what needs somebody."""
    return await overview.summary(application)


@router.get("/queues")
@policy(view)
async def list_queues(application: CurrentApplication) -> Queues:
    """What waits in each queue now, and who works on it."""
    return await queues.queues(application)


@router.get("/queues/samples")
@policy(view)
async def list_samples(query: SamplesQuery, application: CurrentApplication) -> Samples:
    """What relays saw of the queues, on a regular grid, for plots."""
    return await queues.samples(application, query.minutes)


@router.get("/workers")
@policy(view)
async def list_workers(application: CurrentApplication) -> Workers:
    """Workers that were seen in the last day, and what each of them runs."""
    return await workforce.workers(application)


@router.get("/schedules")
@policy(view)
async def list_schedules(application: CurrentApplication) -> Schedules:
    """What runs by itself: when it is due, and what became of the last run."""
    return await workforce.schedules(application)
