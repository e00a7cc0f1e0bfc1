"""Functions that FastAPI would run in a thread, where no deadline ends them: the answer says 504, and they go on and commit."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from starlette.routing import BaseRoute


def threaded(route: BaseRoute) -> Iterator[str]:
    """``contacts.routes.list_contacts`` for each of this route's functions, dependencies included, that is not ``async``."""
    endpoint: Any = getattr(route, "endpoint", None)
    dependant: Any = getattr(route, "dependant", None)
    called = _called(dependant) if isinstance(dependant, Dependant) else iter((endpoint,))
    for function in dict.fromkeys(called):
        # A class as a dependency is constructed there as well, and is done at once.
        if (inspect.isfunction(function) or inspect.ismethod(function)) and not _is_async(function):
            yield f"{function.__module__}.{function.__qualname__}"


def _called(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _called(child)


def _is_async(function: Callable[..., Any]) -> bool:
    function = inspect.unwrap(function)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
