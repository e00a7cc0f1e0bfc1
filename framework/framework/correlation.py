"""One id follows a request into its log lines, its tasks, their log lines and outgoing calls."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex

HEADER = "X-Correlation-ID"
_accepted = re.compile(r"[A-Za-z0-9-]{8,64}").fullmatch
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def correlation_id() -> str:
    """The id of what is running now; empty outside a request, task or command."""
    return _current.get()


def new_correlation_id() -> str:
    return token_hex(16)


def accept(value: str | None) -> str:
    """``value`` when it is 8 to 64 letters, digits and hyphens, else a new id (ASVS 16.4.1: no log injection)."""
    return value if value is not None and _accepted(value) else new_correlation_id()


def set_correlation_id(value: str) -> None:
    """For the context that runs now and what it starts; a request's task and a command end with their context."""
    _current.set(value)


@contextmanager
def bound(value: str) -> Iterator[str]:
    """Within this block, everything carries ``value``."""
    token = _current.set(value)
    try:
        yield value
    finally:
        _current.reset(token)
