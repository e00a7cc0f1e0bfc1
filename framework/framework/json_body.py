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
PIECE = 65_536


class JsonRequest(Request):
    """FastAPI's, which reads no document of more than ``MOST_VALUES`` values: 413 ``request.too_many_values``."""

    async def json(self) -> Any:
        body = await self.body()
        if values_in(body) > MOST_VALUES:
            raise UnreadBody(413, "request.too_many_values", f"A body may hold at most {MOST_VALUES} values.")
        return json.loads(body)


def values_in(body: bytes) -> int:
    """At least as many values as a document has; once quotes had to be looked at, no more than it has, if it is well-formed.

    Counts no further than it has to.
    """
    if (most := _marks(body)) <= MOST_VALUES:
        return most
    # What lies between quotes is text: a long one may have as many commas as it likes.
    body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    found, in_text = 0, False
    for start in range(0, len(body), PIECE):
        pieces = body[start : start + PIECE].split(b'"')
        found += _marks(b"".join(pieces[in_text::2]))
        if found > MOST_VALUES:
            break
        in_text ^= len(pieces) % 2 == 0
    return found


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
