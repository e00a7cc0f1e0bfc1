"""A request's body on its way to the route, with the digest of all that passed."""

from collections import deque
from email.message import Message as Header
from hashlib import sha256

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive


class DigestedBody:
    """Stands in for ``receive``. Of a multipart body the boundary does not count: programs draw another one each time."""

    def __init__(self, receive: Receive, content_type: bytes = b"") -> None:
        self._receive = receive
        self._boundary = _boundary(content_type)
        self._held = b""
        """The end of what came, which may be the beginning of a boundary."""
        self._hash = sha256()
        self._ended = False
        self._ahead: deque[Message] = deque()

    async def receive(self) -> Message:
        return self._ahead.popleft() if self._ahead else await self._next()

    async def digest(self) -> bytes:
        """Of the whole body: what the route has not read by then is read now, up to the route's limit of it, and kept for it.
        Raises ``ClientDisconnect``."""
        while not self._ended:
            self._ahead.append(await self._next())
        whole = self._hash.copy()
        whole.update(self._held)
        return whole.digest()

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._add(message.get("body", b""))
            self._ended = not message.get("more_body", False)
        elif not self._ended:
            raise ClientDisconnect
        return message

    def _add(self, piece: bytes) -> None:
        if self._boundary:
            *before, rest = (self._held + piece).split(self._boundary)
            held = min(len(rest), len(self._boundary) - 1)
            self._held = rest[len(rest) - held :]
            piece = b"\0".join((*before, rest[: len(rest) - held]))
        self._hash.update(piece)


def _boundary(content_type: bytes) -> bytes:
    if not content_type.lower().startswith(b"multipart/"):
        return b""
    header = Header()
    header["content-type"] = content_type.decode("latin-1")
    return (header.get_boundary() or "").encode("latin-1")
