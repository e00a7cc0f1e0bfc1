"""How the ``sm tasks`` commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.text import Text

STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "failed": "bold red",
    "lost": "red",
    "cancelled": "yellow",
    "retrying": "yellow",
    "parked": "magenta",
    "scheduled": "blue",
    "stopping": "yellow",
    "silent": "red",
    "handed_back": "blue",
}
UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def show(found: BaseModel | Sequence[BaseModel], output: str, draw: Callable[[], RenderableType]) -> None:
    if output == "json":
        shown = (
            found.model_dump(mode="json")
            if isinstance(found, BaseModel)
            else [i.model_dump(mode="json") for i in found]
        )
        sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    # Tables for people fit their window; in a pipe, nothing is cut off.
    console = Console() if sys.stdout.isatty() else Console(width=400)
    console.print(draw())


def word(status: str) -> Text:
    return Text(status.replace("_", " "), STYLES.get(status, ""))


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """``3 min ago``, ``in 2 h``; empty for ``None``."""
    if at is None:
        return ""
    since = (now or datetime.now(UTC)) - at
    return f"in {span(-since)}" if since < timedelta(0) else f"{span(since)} ago"


def span(length: timedelta) -> str:
    """In the largest unit that fits."""
    for name, unit in UNITS:
        if length >= unit:
            return f"{length // unit} {name}"
    return f"{length / timedelta(milliseconds=1):.0f} ms"


def local(at: datetime | None) -> str:
    """In this machine's time zone."""
    return "" if at is None else at.astimezone().isoformat(sep=" ", timespec="milliseconds")


def progress(done: int | None, total: int | None, note: str | None) -> str:
    if done is None:
        return note or ""
    share = f"{done:,} of {total:,}" if total else f"{done:,}"
    percent = f" ({done * 100 // total} %)" if total else ""
    return share + percent + (f", {note}" if note else "")
