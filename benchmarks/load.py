"""Requests over keep-alive connections, as many at once as there are connections, from one thread.

Reads no more of an answer than its status and length: what is measured is the server's CPU time, not the client's.
"""

import asyncio
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Request:
    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def send(request: Request, count: int) -> None:
    """Raises ``AssertionError`` for any answer but 200."""
    message = request.encode()
    left = count

    async def connection() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", request.port)
        while left > 0:
            left -= 1
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head.decode()
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
