"""A thread goes on behind its 504, so no route may run in one: neither its function nor what it depends on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from framework.findings import BootError
from framework.loader import load_modules

type Install = Callable[..., Path]

MODULE = """
from contextlib import asynccontextmanager
from functools import wraps
from typing import Annotated
from fastapi import Depends

router = Router("alpha")
{routes}
module = Module(name="alpha", label="", router=router)
"""
BLOCKING = {
    "a route": """
@router.get("/a")
@policy(public)
def blocking() -> None: ...
""",
    "a stream": """
@router.get("/a")
@policy(public)
def blocking():
    yield b""
""",
    "a dependency": """
def blocking() -> int: ...

@router.get("/a")
@policy(public)
async def route(number: Annotated[int, Depends(blocking)]) -> None: ...
""",
    "a dependency's dependency": """
def blocking() -> int: ...

async def between(number: Annotated[int, Depends(blocking)]) -> int: ...

@router.get("/a")
@policy(public)
async def route(number: Annotated[int, Depends(between)]) -> None: ...
""",
    "a dependency that cleans up": """
def blocking():
    yield 1

@router.get("/a", dependencies=[Depends(blocking)])
@policy(public)
async def route() -> None: ...
""",
}
FINE = """
class Page:
    def __init__(self, limit: int = 10) -> None: ...

def decorated(function):
    @wraps(function)
    async def call(*args, **kwargs): return await function(*args, **kwargs)
    return call

async def opened():
    yield 1

@router.get("/a")
@policy(public)
@decorated
async def route(page: Annotated[Page, Depends()], number: Annotated[int, Depends(opened)]) -> None: ...

@router.websocket("/live")
@policy(public)
async def live() -> None: ...
"""


@pytest.mark.parametrize("what", BLOCKING)
def test_what_runs_in_a_thread_stops_the_boot(install: Install, what: str) -> None:
    install("alpha", MODULE.format(routes=BLOCKING[what]))
    with pytest.raises(BootError) as refused:
        load_modules(["alpha"])
    assert "SM044 alpha.module.blocking is not async, so it runs in a thread (alpha)" in str(refused.value)
    assert "to_thread" in str(refused.value)


def test_what_runs_in_the_loop_is_fine_and_so_is_a_class(install: Install) -> None:
    install("alpha", MODULE.format(routes=FINE))
    load_modules(["alpha"])
