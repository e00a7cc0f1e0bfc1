"""For tests: runs what is due in this process, by the real runner."""

from uuid import UUID

from sqlalchemy import func, select

from framework.application import Application
from framework.tasks.runner import Next, Result, Runner
from framework.tasks.tables import TaskRow, TaskState

DUE = select(TaskRow.id, TaskRow.name).where(TaskRow.state == TaskState.QUEUED, TaskRow.publish_at <= func.now())


async def run_due_tasks(application: Application) -> list[tuple[str, Result]]:
    """The name and result of each run, in order, with what they enqueue in turn. A failed one is due again only later."""
    runner = Runner(application, "test")
    results: list[tuple[str, Result]] = []
    while due := await _due(application):
        ran = [(name, await runner.run(task_id)) for task_id, name in due]
        results += ran
        if all(result in (Next.ELSEWHERE, Next.PARKED) for _, result in ran):
            break
    return results


async def _due(application: Application) -> list[tuple[UUID, str]]:
    async with application.database.unit_of_work(read_only=True) as session:
        return [(task_id, name) for task_id, name in await session.execute(DUE.order_by(TaskRow.id))]
