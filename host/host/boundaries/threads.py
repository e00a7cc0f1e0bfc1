"""Routes and dependencies that are no coroutines: FastAPI runs each in a thread, which costs more than most requests."""

from collections.abc import Callable, Iterator, Sequence
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from framework.codes import SM009
from framework.findings import Finding
from framework.module import Module


def thread_hops(modules: Sequence[Module]) -> Iterator[Finding]:
    for module in modules:
        calls = (
            call
            for route in (module.router.routes if module.router else ())
            if isinstance(dependant := getattr(route, "dependant", None), Dependant)
            for call in _calls(dependant)
        )
        for call in dict.fromkeys(calls):
            if not iscoroutinefunction(call) and not isasyncgenfunction(call):
                name = f"{call.__module__}.{getattr(call, '__qualname__', type(call).__qualname__)}"
                yield SM009.finding(
                    f"{name} is not `async def`", hint="async def, even where nothing is awaited", owner=module.name
                )


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)
