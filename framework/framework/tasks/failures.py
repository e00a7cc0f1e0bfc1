"""What is kept of an exception: enough to find the fault, and no values, which may be secret or somebody's data."""

import traceback
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

LONGEST_MESSAGE = 500


class LostWorkerError(Exception):
    """Every attempt ended with its process: it was killed, ran out of memory, or went past the hard limit."""


class SoftLimitError(Exception):
    """The task, or its step, took longer than it may, and was cancelled where it awaited."""


def describe(error: BaseException) -> dict[str, Any]:
    """``type``, ``message`` and ``traceback``, for ``task.error``."""
    frames = [
        line
        for link in _chain(error)
        for line in (f"{_type(link)}\n", *traceback.format_list(traceback.extract_tb(link.__traceback__)))
    ]
    return {"type": _type(error), "message": _message(error)[:LONGEST_MESSAGE], "traceback": "".join(frames)}


def _message(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)
    if isinstance(error, DBAPIError):
        # Its own text repeats the statement's parameters; the server's further lines name the values of the row.
        return str(error.orig).partition("\n")[0]
    return str(error)


def _chain(error: BaseException | None) -> list[BaseException]:
    """The first cause first, as Python prints them."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return links


def _type(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
