"""How long the work under way may still take: set for a request by its route, for a task by its limit, and read along the way.

A context variable, so whatever is called on behalf of a request shares its deadline without being told of it; an
outgoing call or a statement is given what is left, never more (Google, "Site Reliability Engineering", chapter 22).
"""

from asyncio import get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining(otherwise: float) -> float:
    """Seconds until the deadline, at most ``otherwise``; which it is where there is none. Not positive once it has passed."""
    at = _at.get()
    return otherwise if at is None else min(otherwise, at - get_running_loop().time())


@contextmanager
def within(seconds: float) -> Iterator[float]:
    """The work in this block has ``seconds`` at most, and no longer than what surrounds it. Yields the moment at which it
    ends, by the loop's (monotonic) clock. Cancels nothing by itself."""
    at = get_running_loop().time() + seconds
    outer = _at.get()
    if outer is not None:
        at = min(at, outer)
    token = _at.set(at)
    try:
        yield at
    finally:
        _at.reset(token)
