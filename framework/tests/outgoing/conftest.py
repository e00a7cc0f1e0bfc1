"""A client as an application has it, whose pauses are kept instead of slept, and a service for it to call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.outgoing.client import Outgoing
from framework.outgoing.destinations import Destinations
from host.testing.service import Answering, Service

type Start = Callable[..., Awaitable[Service]]
type Client = Callable[..., Outgoing]


@pytest.fixture
def application(build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application]) -> Application:
    """Its Redis does not answer, so its breakers are its own."""
    return application_of(build())


@pytest.fixture
def pauses() -> list[float]:
    """How long the client would have waited before each retry."""
    return []


@pytest.fixture
async def client(application: Application, pauses: list[float]) -> AsyncIterator[Client]:
    """``client(service, outgoing_read_timeout=0.1)``: may call ``service``; settings as given, the others as they are."""
    async with AsyncExitStack() as stack:

        async def note(seconds: float) -> None:
            pauses.append(seconds)

        def client(*services: Service, named: frozenset[str] = frozenset(), **options: Any) -> Outgoing:
            parts: dict[str, Any] = {"sleep": note} | {
                name: options.pop(name) for name in ("resolve", "dial", "sleep") if name in options
            }
            destinations = options.pop("destinations", None) or Destinations.of(item.address for item in services)
            settings = application.settings.model_copy(update=options)
            outgoing = Outgoing(settings, application.breakers, destinations, named, **parts)
            stack.push_async_callback(outgoing.close)
            return outgoing

        yield client


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """``await start(answer(503), silence)``: a service that gives these answers, one after another."""
    async with AsyncExitStack() as stack:

        async def start(*answers: Answering, **options: Any) -> Service:
            return await stack.enter_async_context(Service(*answers, **options))

        yield start


def drip(piece: bytes, pause: float = 0.02) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """An answer that begins at once and never ends."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(pause)

    return drip


async def loopback(_: str, __: int) -> list[str]:
    """A resolver to which every name is this machine's."""
    return ["127.0.0.1"]
