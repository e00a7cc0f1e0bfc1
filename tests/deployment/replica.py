"""What stands behind nginx where a test needs no application: it keeps what it got."""

import asyncio
from pathlib import Path
from typing import Self

ANSWER = b"HTTP/1.1 %b\r\ncontent-length: 2\r\n\r\nok"
WORKS = b"200 OK"


class Replica:
    """Reads a request, and answers it or hangs up. What it got is in ``requests``."""

    def __init__(self, answering: bytes = WORKS, socket: Path | None = None) -> None:
        """``answering``: a status line; empty to end the connection once the request is there. ``socket``: a Unix socket to be at.

        While ``held`` is cleared, answers wait.
        """
        self._answer = ANSWER % answering if answering else b""
        self._socket = socket
        self.requests: list[bytes] = []
        self.port = 0
        self.held = asyncio.Event()
        self.held.set()

    async def __aenter__(self) -> Self:
        if self._socket:
            self._server = await asyncio.start_unix_server(self._serve, self._socket)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def heads(self) -> list[dict[str, str]]:
        """The headers of each request, by lower-case names."""
        heads = [request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:] for request in self.requests]
        return [{name.lower(): value for name, _, value in (line.partition(": ") for line in head)} for head in heads]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            self.requests.append(head + await reader.readexactly(int(length.partition(b":")[2])))
            await self.held.wait()
            writer.write(self._answer)
        except asyncio.IncompleteReadError:
            # One that was opened and not used.
            pass
        writer.close()
