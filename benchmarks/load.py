"""Requests over keep-alive connections, as many at once as there are connections, from one thread.

Reads no more of an answer than its status and length: what is measured is the server's CPU time, not the client's.
"""

import asyncio
import secrets
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Request:
    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    fresh: str = ""
    """Name of a header that has another value each time."""
    status: int = 200
    """The answer that is expected."""

    def encode(self) -> tuple[bytes, bytes]:
        """What comes before and after the value of the fresh header."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "host: localhost"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.method != "GET":
            lines.append("content-length: 0")
        if not self.fresh:
            return ("\r\n".join(lines) + "\r\n\r\n").encode(), b""
        return ("\r\n".join([*lines, f"{self.fresh}: {secrets.token_hex(8)}-"])).encode(), b"\r\n\r\n"


async def send(request: Request, count: int) -> None:
    """Raises ``AssertionError`` for any answer but the expected one."""
    before, after = request.encode()
    expected = f"HTTP/1.1 {request.status}".encode()
    left = count

    async def connection() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", request.port)
        while left > 0:
            left -= 1
            writer.write(before + str(left).encode() + after if after else before)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(expected), head.decode()
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
