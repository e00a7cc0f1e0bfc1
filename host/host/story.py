"""``sm story``: what one correlation id did, from log lines and tables, in the order of time."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

if TYPE_CHECKING:
    from framework.application import Application

ROWS = """
WITH mine AS (SELECT * FROM seamark.task WHERE correlation_id = $1), told AS (
SELECT created_at AS at, 'enqueued' AS what, name, id, jsonb_build_object('queue', queue) AS details FROM mine
UNION ALL
SELECT started_at, 'started', name, id, jsonb_build_object('attempt', attempt, 'worker', worker)
FROM mine JOIN seamark.task_signal ON task_id = id WHERE started_at IS NOT NULL
UNION ALL
SELECT ended_at, 'attempt failed', name, id, jsonb_build_object(
    'attempt', attempt, 'worker', worker, 'error', f.error ->> 'type', 'message', f.error ->> 'message')
FROM mine JOIN seamark.task_failure AS f ON task_id = id
UNION ALL
SELECT at, event, name, task_id, fields || jsonb_build_object('level', level)
FROM mine JOIN seamark.task_log ON task_id = mine.id
UNION ALL
SELECT finished_at, state, name, id, jsonb_strip_nulls(jsonb_build_object('error', error ->> 'type'))
FROM mine WHERE finished_at IS NOT NULL
UNION ALL
SELECT available_at, 'due', name, id, '{}' FROM mine WHERE state = 'queued' AND available_at > now()
)
SELECT at, what, name, id, details::text FROM told
"""
OURS = {"timestamp", "level", "event", "correlation_id", "process"}
NOT_FOUND = 1


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    source: str
    """The process that logged it, or the task."""
    what: str
    details: dict[str, Any]


def story(
    correlation_id: Annotated[str, typer.Argument(help="The id that an error page shows, or X-Correlation-ID says.")],
    logs: Annotated[
        list[str] | None,
        typer.Option(
            "--logs", "-l", help="A file of JSON log lines of any processes, or - for standard input. Repeatable."
        ),
    ] = None,
    output: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Tell what one request, with its tasks, did: from the tables, and from log lines where they are given.

    kubectl logs -l app.kubernetes.io/name=seamark --tail=-1 | sm story ID --logs -
    """
    from framework.cli import run  # noqa: PLC0415 - `sm --help` needs none of it

    lines = [entry for name in logs or () for entry in in_log(_lines(name), correlation_id)]
    rows = run(lambda application: in_tables(application, correlation_id))
    entries = sorted([*without_twins(lines, rows), *rows], key=lambda entry: entry.at)
    if output == "json":
        told = [
            {"at": entry.at, "source": entry.source, "what": entry.what, "details": entry.details} for entry in entries
        ]
        sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
    elif entries:
        _print(entries)
    if not entries:
        typer.echo(f"Nothing is known of {correlation_id!r}. {_advice(bool(logs))}", err=True)
        raise typer.Exit(NOT_FOUND)
    if not logs and output == "text":
        typer.echo("Tables only: --logs FILE adds what processes logged.", err=True)


def _advice(has_logs: bool) -> str:
    if has_logs:
        return "Is it the whole id, and are these the logs of that time?"
    return "A request that enqueued nothing is in the logs only: --logs FILE, or --logs - for standard input."


def _lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield from file
    except OSError as error:
        raise typer.BadParameter(f"{name}: {error.strerror}", param_hint="--logs") from None


def in_log(lines: Iterable[bytes], correlation_id: str) -> Iterator[Entry]:
    """Of JSON lines, whatever a collector wrote before each; other lines are passed over."""
    wanted = correlation_id.encode()
    for line in lines:
        if wanted not in line:
            continue
        prefix, brace, rest = line.partition(b"{")
        try:
            told = orjson.loads(brace + rest)
            at = datetime.fromisoformat(told["timestamp"])
        except (ValueError, KeyError, TypeError):
            continue
        if told.get("correlation_id") != correlation_id:
            continue
        source = prefix.decode(errors="replace").strip(" |\t[]") or str(told.get("process", "log"))
        details = {name: value for name, value in told.items() if name not in OURS and value is not None}
        if told.get("level") not in (None, "info"):
            details = {"level": told["level"], **details}
        yield Entry(at if at.tzinfo else at.replace(tzinfo=UTC), source, str(told.get("event", "")), details)


async def in_tables(application: "Application", correlation_id: str) -> list[Entry]:
    async with application.database.driver_connection() as connection:
        rows = await connection.fetch(ROWS, correlation_id)
    return [
        Entry(row["at"], f"task {row['name']} {str(row['id'])[:8]}", row["what"], orjson.loads(row["details"]))
        for row in rows
    ]


def without_twins(lines: list[Entry], rows: list[Entry]) -> list[Entry]:
    """A task's own lines are in both; they stay where the task is named."""
    kept = {(entry.at, entry.what) for entry in rows}
    return [entry for entry in lines if (entry.at, entry.what) not in kept]


def _print(entries: list[Entry]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    first = entries[0].at
    widest = min(48, max(len(entry.source) for entry in entries))
    console.print(f"[dim]{first.astimezone():%Y-%m-%d %H:%M:%S %Z}[/]")
    for entry in entries:
        after = (entry.at - first).total_seconds()
        details = "  ".join(f"{name}={_short(value)}" for name, value in entry.details.items())
        console.print(
            f"[cyan]+{after:8.3f} s[/]  {escape(entry.source):<{widest}}  [bold]{escape(entry.what)}[/]  [dim]{escape(details)}[/]"
        )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    # A traceback has lines of its own; the log file has it whole.
    text = text.strip().rpartition("\n")[2]
    return text if len(text) <= 200 else text[:199] + "…"
