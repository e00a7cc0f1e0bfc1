"""JSON bodies of a size that can be read without keeping everybody else waiting.

Reading a megabyte takes some milliseconds, whatever is in it; saying what is wrong with each of a hundred thousand values
takes a third of a second, and nothing else runs meanwhile. So what is bounded is the number of values.
"""

import json
from typing import Any

from fastapi import Request

from framework.problems import UnreadBody

MOST_VALUES = 10_000
"""Values, keys not counted, in one document. What needs more is a file."""


class JsonRequest(Request):
    """FastAPI's, which reads no document of more than ``MOST_VALUES`` values: 413 ``request.too_many_values``."""

    async def json(self) -> Any:
        body = await self.body()
        if values_in(body) > MOST_VALUES:
            raise UnreadBody(413, "request.too_many_values", f"A body may hold at most {MOST_VALUES} values.")
        return json.loads(body)


def values_in(body: bytes) -> int:
    """How many values a document has, at least; exact where it is well-formed and has more than ``MOST_VALUES``."""
    if (most := _marks(body)) <= MOST_VALUES:
        return most
    # What lies between quotes is text: a long one may have as many commas as it likes.
    outside = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    return _marks(b"".join(outside))


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
