"""Answers that do not end by themselves."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import WebSocket
from fastapi.sse import EventSourceResponse, ServerSentEvent
from framework.policies import policy, public

from .routes import router

__all__ = ["router"]


@router.get("/events", response_class=EventSourceResponse)
@policy(public)
async def events() -> AsyncIterator[ServerSentEvent]:
    """One, and then nothing for as long as somebody listens."""
    yield ServerSentEvent(event="first")
    await asyncio.Event().wait()


@router.websocket("/echo")
@policy(public)
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()
