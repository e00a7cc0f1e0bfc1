"""The tables of ``sm tasks list``, ``queues``, ``workers`` and ``schedules``."""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from background_tasks.command_line.printing import ago, progress, span, word
from background_tasks.views.overview_schemas import QueueItem, Samples, ScheduleItem, Schedules, WorkerItem
from background_tasks.views.schemas import TaskItem

BARS = "▁▂▃▄▅▆▇█"
BAR_STEPS = 12


def tasks(items: Sequence[TaskItem]) -> RenderableType:
    if not items:
        return "No tasks."
    table = Table("id", "task", "status", "attempt", "queue", "created", "", box=None)
    for item in items:
        said = item.error or progress(item.done, item.total, item.note)
        table.add_row(
            str(item.id), item.name, word(item.status), str(item.attempt), item.queue, ago(item.created_at), Text(said)
        )
    return table


def queues(items: Sequence[QueueItem], samples: Samples) -> RenderableType:
    if not items:
        return "No queues."
    waiting = {series.queue: series.waiting for series in samples.series}
    table = Table(box=None)
    table.add_column("queue")
    for name in ("waiting", "running", "delayed", "dead letters", "lag", "ended/min"):
        table.add_column(name, justify="right")
    table.add_column("waiting, last hour")
    table.add_column("workers")
    for item in items:
        table.add_row(
            item.queue,
            f"{item.waiting:,}",
            str(item.running),
            f"{item.delayed:,}",
            Text(str(item.dead_letters), "bold red" if item.dead_letters else ""),
            span(timedelta(seconds=item.lag_seconds)) if item.lag_seconds else "",
            "?" if item.per_minute is None else str(item.per_minute),
            _bars(waiting.get(item.queue, [])),
            ", ".join(item.workers) or Text("none", "red"),
        )
    return table


def _bars(values: Sequence[int | None]) -> str:
    """A bar for every three minutes; a gap where nobody looked."""
    steps = [[v for v in values[i : i + BAR_STEPS] if v is not None] for i in range(0, len(values), BAR_STEPS)]
    highest = max((max(step) for step in steps if step), default=0)
    return "".join(BARS[max(step) * (len(BARS) - 1) // max(highest, 1)] if step else " " for step in steps)


def workers(items: Sequence[WorkerItem]) -> RenderableType:
    if not items:
        return "No worker was seen in the last day: celery -A background_tasks.celery_app worker"
    table = Table("worker", "status", "seen", "started", "queues", "processes", "runs", "release", box=None)
    for item in items:
        runs = [Text(f"{task.name} {task.id} {progress(task.done, task.total, task.note)}") for task in item.running]
        table.add_row(
            item.name,
            word(item.status),
            ago(item.seen_at),
            ago(item.started_at),
            ", ".join(item.queues),
            str(item.concurrency),
            Group(*runs),
            item.release,
        )
    return table


def schedules(found: Schedules) -> RenderableType:
    if not found.items:
        return "No schedules, or no beat has run yet: celery -A background_tasks.celery_app beat"
    table = Table("schedule", "when", "missed slots", "last", "became", "next", box=None)
    for item in found.items:
        table.add_row(item.entry, item.timing, item.missed, ago(item.last_due_at), _became(item), _next(item))
    return Group(table, f"[dim]A beat was seen {escape(ago(found.beat_seen_at))}.[/]")


def _became(item: ScheduleItem) -> Text:
    return word(item.last_run.status) if item.last_run else Text("")


def _next(item: ScheduleItem) -> Text:
    return Text("gone: no beat knows it", "red") if item.gone else Text(ago(item.next_due_at))
