"""``sm tasks …``: what the pages show and do, on the command line. Reads Postgres only, as they do."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer
from framework.cli import run
from framework.database import DatabaseUnavailable
from framework.module import CommandGroup
from framework.problems import Problem

from background_tasks.purge import START, Keeping, count
from background_tasks.purge import purge as purge_batch
from background_tasks.views import actions, detail, history
from background_tasks.views.queues import queues as read_queues
from background_tasks.views.queues import samples as read_samples
from background_tasks.views.schemas import TaskDetail, TaskItem, TaskListParameters, TaskStatus
from background_tasks.views.workforce import schedules as read_schedules
from background_tasks.views.workforce import workers as read_workers

if TYPE_CHECKING:
    from framework.application import Application
    from sqlalchemy.ext.asyncio import AsyncSession

# What draws tables is imported by the commands: workers and web processes load this file, too.

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Ids = Annotated[list[UUID], typer.Argument(help="Their ids, as `sm tasks list` shows them.")]
EXTERNAL = "The effect of {name} leaves the database (mail, HTTP, …), so running it again may cause it twice. Go on?"
ALL = "Run all failed tasks named {name} again? What of their effect leaves the database may happen twice."


def list_(
    *,
    status: Annotated[TaskStatus | None, typer.Option(help="Only those that are this.")] = None,
    module: Annotated[str | None, typer.Option(help="Only this module's.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only those of this queue.")] = None,
    name: Annotated[str | None, typer.Option(help="Only this task; its whole name.")] = None,
    correlation_id: Annotated[
        str | None, typer.Option(help="Only what this request, task or command asked for.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="Only the slots of this schedule.")] = None,
    search: Annotated[str, typer.Option("--search", "-q", help="Part of a name, a correlation id, or an id.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    output: Format = "text",
) -> None:
    """List tasks, the latest first."""
    from background_tasks.command_line import printing, tables  # noqa: PLC0415

    query = TaskListParameters(
        status=status,
        module=module,
        queue=queue,
        name=name,
        correlation_id=correlation_id,
        schedule=schedule,
        q=search,
    )
    items = _run(lambda application: _latest(application, query, limit))
    printing.show(items, output, lambda: tables.tasks(items))


async def _latest(application: "Application", query: TaskListParameters, limit: int) -> list[TaskItem]:
    items: list[TaskItem] = []
    while len(items) < limit:
        query = query.model_copy(update={"limit": min(100, limit - len(items))})
        page = await history.page(application.database, query)
        items += [TaskItem.model_validate(item) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = query.model_copy(update={"cursor": page["next_cursor"]})
    return items


def show(task_id: Annotated[UUID, typer.Argument(help="The task's id.")], output: Format = "text") -> None:
    """Show all that is kept of one task: arguments, attempts, timeline, log lines, traceback. Secrets are masked."""
    from background_tasks.command_line import one_task, printing  # noqa: PLC0415

    found = _run(lambda application: detail.detail(application, task_id))
    printing.show(found, output, lambda: one_task.task(found))


def retry(ids: Ids, yes: Yes = False) -> None:
    """Have failed or cancelled tasks run again: all attempts anew, after the steps that are committed."""
    for found in _run(lambda application: _details(application, ids)):
        if found.declaration and found.declaration.external and not yes:
            typer.confirm(EXTERNAL.format(name=found.name), abort=True)
    for task_id in ids:
        _change(partial(actions.retry, task_id=task_id))
        typer.echo(f"{task_id} runs again.")


async def _details(application: "Application", ids: list[UUID]) -> list[TaskDetail]:
    return [await detail.detail(application, task_id) for task_id in ids]


def cancel(ids: Ids) -> None:
    """Cancel tasks that wait or run; one that runs ends within seconds, and steps that are committed stay."""
    for task_id in ids:
        _change(partial(actions.cancel, task_id=task_id))
        typer.echo(f"{task_id} is being cancelled.")


def retry_all(name: Annotated[str, typer.Argument(help="The task's whole name.")], yes: Yes = False) -> None:
    """Have all dead letters of a task run again."""
    if not yes:
        typer.confirm(ALL.format(name=name), abort=True)
    total = 0
    while (retried := _change(lambda session: actions.retry_all(session, name))) == actions.BATCH:
        total += retried
    total += retried
    if not total:
        typer.echo(f"There are no dead letters of {name}; `sm tasks list --status failed` shows all.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{total} {'task runs' if total == 1 else 'tasks run'} again.")


def queues(output: Format = "text") -> None:
    """Show each queue: what waits and runs in it, for how long, and what the last hour was like."""
    from background_tasks.command_line import printing, tables  # noqa: PLC0415

    found = _run(read_queues)
    samples = _run(lambda application: read_samples(application, 60))
    printing.show(found.items, output, lambda: tables.queues(found.items, samples))


def workers(output: Format = "text") -> None:
    """Show the workers of the last day, and what each of them runs."""
    from background_tasks.command_line import printing, tables  # noqa: PLC0415

    found = _run(read_workers)
    printing.show(found.items, output, lambda: tables.workers(found.items))


def schedules(output: Format = "text") -> None:
    """Show what runs by itself: when it did last, what became of it, and when it is due next."""
    from background_tasks.command_line import printing, tables  # noqa: PLC0415

    found = _run(read_schedules)
    printing.show(found.items, output, lambda: tables.schedules(found))


def purge(
    older_than: Annotated[str, typer.Option(help="Forget what ended longer ago: 36h, 30d, 8w.")],
    dead_letters: Annotated[bool, typer.Option("--dead-letters", help="Failed tasks, too.")] = False,
    yes: Yes = False,
) -> None:
    """Forget tasks that have ended, now and whatever their retention. The schedule of the same name does so every hour."""
    age = _age(older_than)
    keeping = Keeping(others=age, dead_letters=age if dead_letters else None, own=False)
    number = _change(lambda session: count(session, keeping))
    if not number:
        typer.echo(f"Nothing ended longer than {older_than} ago.")
        return
    if not yes:
        typer.confirm(f"Forget {number} {'task' if number == 1 else 'tasks'} for good?", abort=True)
    typer.echo(f"{_run(lambda application: _purge(application, keeping))} forgotten.")


async def _purge(application: "Application", keeping: Keeping) -> int:
    total, place = 0, START
    while True:
        async with application.database.unit_of_work() as session:
            gone, following = await purge_batch(session, keeping, place)
        total += gone
        if following is None:
            return total
        place = following


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    if found is None:
        raise typer.BadParameter("give a number and h, d or w: 36h, 30d, 8w", param_hint="--older-than")
    return int(found[1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[found[2]]


def _change[T](work: "Callable[[AsyncSession], Awaitable[T]]") -> T:
    """In a transaction of its own."""

    async def change(application: "Application") -> T:
        async with application.database.unit_of_work() as session:
            return await work(session)

    return _run(change)


def _run[T](work: "Callable[[Application], Awaitable[T]]") -> T:
    try:
        return run(work)
    except Problem as problem:
        typer.echo(problem.detail, err=True)
    except DatabaseUnavailable as error:
        typer.echo(f"Postgres does not answer ({error}). `sm doctor` looks closer.", err=True)
    raise typer.Exit(1)


group = CommandGroup(
    "tasks",
    "See background tasks and what became of them; retry, cancel and forget them.",
    (list_, show, retry, cancel, retry_all, queues, workers, schedules, purge),
)
