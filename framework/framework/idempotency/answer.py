"""What a request was answered, as it is kept for those that repeat it."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

MAX_ANSWER = 65_536
"""Bytes of a body that are kept; lists and files are not what unsafe requests are answered with."""
REPLAYED = "idempotency-replayed"


class StoredAnswer(Exception):
    """Raised where the request's session is asked for: the request was served before, so the route does not run."""

    def __init__(self, status: int, headers: list[Any], body: bytes) -> None:
        super().__init__(f"answered before with {status}")
        self.status, self.headers, self.body = status, headers, body


async def answer_again(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoredAnswer)
    response = Response(error.body, error.status)
    response.raw_headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in error.headers]
    response.headers[REPLAYED] = "true"
    return response


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Those that the route set; what the layers above add belongs to each request by itself."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in response.raw_headers
        if name != b"content-length"
    ]


def body_of(response: Response) -> bytes | None:
    """``None`` for a stream or a file, and for what is too large."""
    body = getattr(response, "body", None)
    return bytes(body) if body is not None and len(body) <= MAX_ANSWER else None
