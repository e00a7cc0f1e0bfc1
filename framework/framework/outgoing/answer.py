"""The response that a module is given: httpx's own, with a bounded body and an error of ours for a bad status."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from framework.outgoing.call import call_of
from framework.outgoing.errors import BadResponse, BadStatus


class Answer(httpx.Response):
    """``raise_for_status`` raises ``BadStatus``, which a route may leave uncaught."""

    def raise_for_status(self) -> "Answer":
        if not self.is_success:
            raise BadStatus(call_of(self.request).host, self.status_code, retry_after(self))
        return self

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Decoded, and counted: a small body may unpack to a large one. Raises ``BadResponse``."""
        most, size = call_of(self.request).most, 0
        async for piece in super().aiter_bytes(chunk_size):
            size += len(piece)
            if most is not None and size > most:
                raise too_large(call_of(self.request).host, most)
            yield piece

    def json(self, **kwargs: Any) -> Any:
        """Raises ``BadResponse`` where it is none."""
        try:
            return super().json(**kwargs)
        except ValueError as error:
            raise BadResponse(call_of(self.request).host, f"its body is no JSON: {error}", retry_after=None) from error


def too_large(host: str, most: int) -> BadResponse:
    return BadResponse(host, f"its body has more than {most} bytes", retry_after=None)


def retry_after(response: httpx.Response, now: datetime | None = None) -> float | None:
    """Seconds by its ``Retry-After``, which is a number or a date (RFC 9110 section 10.2.3); ``None`` without a valid one."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
