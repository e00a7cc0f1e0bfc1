"""What is told of an error: where and how it came about. No bodies, headers, parameters or local variables."""

import traceback
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Literal

from framework.tasks.failures import chain, message_of, type_of

MOST_FRAMES = 200
LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Frame:
    file: str
    line: int
    function: str
    code: str
    """The line itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """One exception of a chain. Its frames are ordered as Python prints them: where it was raised comes last."""

    type: str
    message: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A request that was answered 500, or a task that has failed for good."""

    kind: Literal["request", "task"]
    name: str
    """``GET /api/contacts/{id}``, or the task's name."""
    module: str
    chain: tuple[Link, ...]
    """The first cause first; what was raised comes last."""
    correlation_id: str
    """Finds the lines of the log."""
    release: str
    """``SM_REVISION``, else the framework's version."""
    environment: str
    process: str
    at: datetime

    @property
    def error(self) -> Link:
        return self.chain[-1]


def links_of(error: BaseException) -> tuple[Link, ...]:
    return tuple(
        Link(type_of(link), message_of(link)[:LONGEST_MESSAGE], _frames(link.__traceback__)) for link in chain(error)
    )


def _frames(start: TracebackType | None) -> tuple[Frame, ...]:
    found = traceback.extract_tb(start)[-MOST_FRAMES:]
    return tuple(Frame(each.filename, each.lineno or 0, each.name, each.line or "") for each in found)
