"""What is kept of an exception: enough to find the fault, and no values, which may be secret or somebody's data."""

import traceback
from typing import Any

from asyncpg import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from framework.tasks.plain import text

LONGEST_TRACEBACK = 20_000


class LostWorkerError(Exception):
    """An attempt, or each of them, ended with its process: killed, out of memory, or past the hard limit."""


class SoftLimitError(Exception):
    """The task, or its step, took longer than it may, and was cancelled where it awaited."""


def describe(error: BaseException) -> dict[str, Any]:
    """``type``, ``message`` and ``traceback``, for ``task.error``."""
    frames = [
        line
        for link in chain(error)
        for line in (f"{type_of(link)}\n", *traceback.format_list(traceback.extract_tb(link.__traceback__)))
    ]
    return {
        "type": type_of(error),
        "message": text(message_of(error)),
        "traceback": text("".join(frames), LONGEST_TRACEBACK),
    }


def describe_briefly(error: BaseException) -> str:
    return text(f"{type_of(error)}: {message_of(error)}")


def message_of(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)
    if isinstance(error, DBAPIError | PostgresError):
        # SQLAlchemy's own text repeats the statement's parameters; the server's further lines name the row's values.
        return str(getattr(error, "orig", error)).partition("\n")[0]
    return str(error)


def chain(error: BaseException | None) -> list[BaseException]:
    """The first cause first, as Python prints them."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return links


def type_of(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
