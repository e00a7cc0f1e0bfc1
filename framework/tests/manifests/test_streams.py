"""A stream may last for hours, so it may not hold the request's transaction."""

import pytest
from framework.loader import load_modules

from .conftest import Install, problems

STREAM = """
        from collections.abc import AsyncIterator
        from typing import Annotated
        from fastapi import Depends
        from fastapi.responses import StreamingResponse
        from fastapi.sse import EventSourceResponse
        from framework.request_session import Session

        async def through(session: Session): ...

        router = Router("alpha")

        {0}

        module = Module(name="alpha", label="", router=router)
        """


@pytest.mark.parametrize(
    "route",
    [
        """
        @router.get("", response_class=EventSourceResponse)
        @policy(public)
        async def stream(session: Session):
            yield {}
        """,
        """
        @router.get("", response_class=StreamingResponse)
        @policy(public)
        async def stream(session: Session): ...
        """,
        """
        @router.get("")
        @policy(public)
        async def stream(session: Session) -> StreamingResponse: ...
        """,
        """
        @router.get("")
        @policy(public)
        async def stream(session: Session) -> "StreamingResponse": ...
        """,
        """
        @router.get("")
        @policy(public)
        def stream(session: Session):
            yield b""
        """,
        """
        @router.get("", response_class=StreamingResponse)
        @policy(public)
        async def stream(found: Annotated[None, Depends(through)]): ...
        """,
    ],
)
def test_a_stream_that_takes_the_requests_session_is_refused(install: Install, route: str) -> None:
    install("alpha", STREAM.format(route))
    said = problems("alpha")
    assert "SM011 alpha.module.stream streams its answer and takes the request's Session (alpha)" in said
    assert "open a unit of work inside the stream" in said


def test_a_stream_without_the_session_and_a_session_without_a_stream_are_fine(install: Install) -> None:
    install(
        "alpha",
        STREAM.format("""
        @router.get("/a", response_class=StreamingResponse)
        @policy(public)
        async def stream(): ...

        @router.get("/b")
        @policy(public)
        async def plain(session: Session) -> None: ...
        """),
    )
    load_modules(["alpha"])
