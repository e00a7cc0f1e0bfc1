"""For tests: runs what is due in this process, by the real runner."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from framework.application import Application
from framework.tasks.attempt import Next, Result
from framework.tasks.runner import Runner
from framework.tasks.tables import TaskRow, TaskState

# What waits for its time, for a repetition or for the one before it is due in the future, or at infinity.
DUE = (
    select(TaskRow.id, TaskRow.name)
    .where(TaskRow.state == TaskState.QUEUED, TaskRow.publish_at <= func.now())
    .order_by(TaskRow.priority, TaskRow.publish_at, TaskRow.id)
    .limit(1)
)


async def run_due_tasks(application: Application) -> list[tuple[str, Result]]:
    """The name and result of each run, in order, with what they enqueue in turn: the most urgent first.

    One that fails is not run again, unless its policy has it come back at once: its wait is random, and may be short.
    """
    runner = Runner(application, "test")
    results: list[tuple[str, Result]] = []
    passed_over: list[UUID] = []
    while (due := await _most_urgent(application, passed_over)) is not None:
        task_id, name = due
        result = await runner.run(task_id)
        results.append((name, result))
        waits = result is Next.REPEATED and runner.tasks[name].retry.base > timedelta(0)
        if waits or result in (Next.ELSEWHERE, Next.PARKED):
            passed_over.append(task_id)
    return results


async def _most_urgent(application: Application, passed_over: list[UUID]) -> tuple[UUID, str] | None:
    async with application.database.unit_of_work(read_only=True) as session:
        row = (await session.execute(DUE.where(TaskRow.id.not_in(passed_over)))).first()
    return None if row is None else (row.id, row.name)
