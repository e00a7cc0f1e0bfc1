"""``sm tasks show``: one task on a terminal."""

from datetime import timedelta

import orjson
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from background_tasks.command_line.printing import ago, local, progress, span, word
from background_tasks.views.schemas import AttemptItem, ParkedReason, TaskDetail, TaskStatus

PARKED = {
    ParkedReason.UNKNOWN_NAME: "no worker that runs knows it: it is of another release, or its module is disabled there",
    ParkedReason.QUEUE_NOT_CONSUMED: "workers know it, but none of them consumes its queue",
}


def task(found: TaskDetail) -> RenderableType:
    parts: list[RenderableType] = [_head(found), *_section("", _facts(found))]
    parts += _section("Arguments", _arguments(found))
    parts += _section("Timeline", _timeline(found))
    parts += _section("Attempts", _attempts(found.attempts) if found.attempts else None)
    parts += _section("Log lines", _logs(found) if found.logs else None)
    parts += _section("Traceback", _traceback(found))
    parts += _section("Next", _next_commands(found))
    return Group(*parts)


def _section(title: str, body: RenderableType | None) -> list[RenderableType]:
    if body is None:
        return []
    heading: list[RenderableType] = [Text(title, "bold")] if title else []
    return [*heading, Padding(body, (0, 0, 1, 2), expand=False)]


def _head(found: TaskDetail) -> Text:
    return Text.assemble((found.name, "bold"), "  ", word(found.status), "\n", (str(found.id), "dim"))


def _facts(found: TaskDetail) -> Table:
    table = Table.grid(padding=(0, 2))
    limits = found.declaration
    facts: dict[str, str] = {
        "queue": f"{found.queue}, priority {found.priority}",
        "correlation id": found.correlation_id + _others(found.siblings),
        "created": f"{local(found.created_at)} ({ago(found.created_at)})",
        "schedule": f"{found.schedule}, due {local(found.due_at)}" if found.schedule else "",
        "starts": f"not before {local(found.available_at)} ({ago(found.available_at)})" if _waits(found) else "",
        "ended": f"{local(found.finished_at)} ({ago(found.finished_at)})" if found.finished_at else "",
        "attempts": f"{found.attempt}" + _at_most(found),
        "worker": found.worker or "",
        "heartbeat": ago(found.heartbeat_at) if found.status is TaskStatus.RUNNING else "",
        "progress": progress(found.done, found.total, found.note),
        "steps": f"{found.steps} committed" if found.steps else "",
        "goes on at": orjson.dumps(found.cursor).decode() if found.cursor is not None and not found.finished_at else "",
        "unique key": found.unique_key or "",
        "order key": found.order_key or "",
        "waits for": f"{found.waits_for}, which is earlier in the order" if found.waits_for else "",
        "parked": PARKED[found.parked] if found.parked else "",
        "cancelling": "asked for" if found.cancel_requested and not found.finished_at else "",
        "effect": "leaves the database: another attempt may cause it again" if limits and limits.external else "",
        "kept": f"until {local(found.kept_until)}" if found.kept_until else "",
    }
    for name, value in facts.items():
        if value:
            table.add_row(Text(name, "dim"), Text(value))
    return table


def _at_most(found: TaskDetail) -> str:
    """Steps and retries by hand each have all attempts anew."""
    if found.declaration is None:
        return ""
    most, anew = found.declaration.max_attempts, found.attempt > found.declaration.max_attempts
    each = " for each step" if found.declaration.steps else " each time it is run again" if anew else ""
    return f", at most {most}{each}"


def _others(number: int) -> str:
    return {0: "", 1: " (one other task)"}.get(number, f" ({number} other tasks)")


def _waits(found: TaskDetail) -> bool:
    return found.status in (TaskStatus.SCHEDULED, TaskStatus.RETRYING)


def _arguments(found: TaskDetail) -> RenderableType:
    if not found.arguments:
        return Text("none", "dim")
    table = Table.grid(padding=(0, 2))
    for name, value in found.arguments.items():
        table.add_row(Text(name, "dim"), Text(value if isinstance(value, str) else orjson.dumps(value).decode()))
    return Group(table, Text(found.arguments_hidden, "yellow")) if found.arguments_hidden else table


def _timeline(found: TaskDetail) -> Table:
    table = Table.grid(padding=(0, 2))
    begun = found.created_at
    for event in found.timeline:
        since = f"+{span(event.at - begun)}" if event.at is not None and event.at > begun else ""
        table.add_row(Text(local(event.at), "dim"), Text(since, "dim"), word(event.kind), Text(event.text))
    return table


def _attempts(attempts: list[AttemptItem]) -> Table:
    table = Table("#", "became", "worker", "started", "took", "", box=None)
    for item in attempts:
        took = item.ended_at - item.started_at if item.started_at and item.ended_at else None
        said = f"{item.failure.type}: {item.failure.message}" if item.failure else ""
        table.add_row(
            str(item.number),
            word(item.outcome),
            item.worker or "",
            local(item.started_at),
            span(max(took, timedelta(0))) if took is not None else "",
            Text(said),
        )
    return table


def _logs(found: TaskDetail) -> Table:
    table = Table.grid(padding=(0, 2))
    for line in found.logs:
        fields = " ".join(f"{name}={value}" for name, value in line.fields.items())
        style = {"warning": "yellow", "error": "red", "critical": "bold red"}.get(line.level, "")
        table.add_row(
            Text(local(line.at), "dim"),
            Text(f"#{line.attempt}", "dim"),
            Text(line.level, style),
            Text(f"{line.event} {fields}"),
        )
    return table


def _traceback(found: TaskDetail) -> Text | None:
    if found.failure is None:
        return None
    return Text.assemble(
        found.failure.traceback, (f"{found.failure.type}: {found.failure.message}", "bold red"), overflow="fold"
    )


def _next_commands(found: TaskDetail) -> Text | None:
    lines: list[str] = []
    if found.status in (TaskStatus.FAILED, TaskStatus.CANCELLED):
        lines.append(f"sm tasks retry {found.id}")
    if found.status is TaskStatus.FAILED:
        lines.append(f"sm tasks retry-all {found.name}")
    if found.finished_at is None and not found.cancel_requested:
        lines.append(f"sm tasks cancel {found.id}")
    if found.siblings:
        lines.append(f"sm tasks list --correlation-id {found.correlation_id}")
    return Text("\n".join(lines)) if lines else None
