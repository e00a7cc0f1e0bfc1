"""A service for a module's tests to call: it answers what the test says, and keeps what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Self

import httpx

type Answering = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: httpx.Headers
    body: bytes


def answer(status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> bytes:
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    head = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(head).encode() + body


async def silence(_: asyncio.StreamWriter) -> None:
    """It takes the request, and says nothing for as long as the connection lasts."""
    await asyncio.Event().wait()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


class Service:
    """``async with Service() as service``: real HTTP on loopback. ``SM_OUTGOING_ALLOWED`` names its ``address``.

    ``answers`` are given one after another, and the last one from then on.
    """

    def __init__(self, *answers: Answering, tls: SSLContext | None = None) -> None:
        self.answers = list(answers) or [answer()]
        self.asked: list[Asked] = []
        self.connections = 0
        self.under_way = 0
        """Requests that are not answered yet."""
        self.most_under_way = 0
        self.reads = True
        """``False``: it takes connections, and nothing that is sent."""
        self._tls = tls
        self._served: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http{'s' if self._tls else ''}://{self.address}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._served:
            task.cancel()
        if self._served:
            await asyncio.wait(self._served)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        self.connections += 1
        # Whoever calls may end the connection at any time.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                if not self.reads:
                    await silence(writer)
                self.asked.append(await _read(reader))
                await self._answer(writer)
        self._served.discard(task)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        answering = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if isinstance(answering, bytes):
                writer.write(answering)
            else:
                await answering(writer)
            await writer.drain()
        finally:
            self.under_way -= 1


async def _read(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))
