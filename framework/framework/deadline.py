"""How long the work under way may still take: set for a request by its route, for a task by its limit, and read along the way.

A context variable, so whatever is called on behalf of a request shares its deadline without being told of it; an
outgoing call or a statement is given what is left, never more (Google, "Site Reliability Engineering", chapter 22).
"""

from asyncio import get_running_loop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

COMMIT_GRACE = 5.0
"""Seconds that a COMMIT has at least, once it was sent."""


class DeadlineExceededError(Exception):
    """The work went on after its deadline, and must not take effect any more."""


@dataclass(slots=True, eq=False)
class Deadline:
    """When the work under way has to end."""

    at: float
    """By the loop's (monotonic) clock; infinite once it holds no more."""
    before_commit: Callable[[], None] | None = None
    """Called right before a COMMIT is sent. Raises ``DeadlineExceededError`` when it must not be; else it is not cancelled."""


current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def remaining(otherwise: float) -> float:
    """Seconds until the deadline, at most ``otherwise``; which it is where there is none. Not positive once it has passed."""
    deadline = current.get()
    return otherwise if deadline is None else min(otherwise, deadline.at - get_running_loop().time())


@contextmanager
def within(seconds: float) -> Iterator[float]:
    """The work in this block has ``seconds`` at most, and no longer than what surrounds it. Yields the moment at which it
    ends, by the loop's (monotonic) clock. Cancels nothing by itself."""
    inner = Deadline(get_running_loop().time() + seconds)
    outer = current.get()
    if outer is not None:
        inner.at = min(inner.at, outer.at)
        inner.before_commit = outer.before_commit
    token = current.set(inner)
    try:
        yield inner.at
    finally:
        current.reset(token)


def before_commit() -> None:
    """To be called with nothing left to do but COMMIT. Raises ``DeadlineExceededError`` when the deadline has passed."""
    deadline = current.get()
    if deadline is not None and deadline.before_commit is not None:
        deadline.before_commit()
