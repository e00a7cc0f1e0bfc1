"""One call of a module, over all of its attempts and redirects. Travels with the request to what guards each hop."""

from asyncio import get_running_loop
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from framework.deadline import remaining
from framework.outgoing.errors import OutgoingTimeout
from framework.outgoing.hosts import name_of
from framework.outgoing.times import PATIENCE, SPARE, USEFUL

EXTENSION = "seamark.call"


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    url: httpx.URL
    ends_at: float
    """By the loop's clock."""
    most: int | None
    """Bytes that the body may have, decoded; ``None`` for a stream, which its reader bounds."""
    own_headers: frozenset[str]
    """Those that its author gave, in lower case: they are meant for this origin and no other."""

    @classmethod
    def begin(
        cls, method: str, url: httpx.URL, timeout: float | None, most: int | None, headers: Iterable[str]
    ) -> "Call":
        """``timeout`` is cut to what is left of the deadline of the work that makes this call."""
        ends_at = get_running_loop().time() + remaining((PATIENCE if timeout is None else timeout) + SPARE) - SPARE
        return cls(method.upper(), url, ends_at, most, frozenset(map(str.lower, headers)))

    @property
    def host(self) -> str:
        return name_of(self.url)

    @property
    def left(self) -> float:
        """Seconds; not positive when time is up."""
        return self.ends_at - get_running_loop().time()

    def allows(self, pause: float = 0) -> bool:
        """Whether an attempt after ``pause`` seconds would have the time to be of use."""
        return self.left - pause >= USEFUL

    def refuse_when_late(self) -> None:
        if not self.allows():
            raise OutgoingTimeout(self.host, "the deadline leaves no time for a call")

    def leaves_home(self, url: httpx.URL) -> bool:
        """Whether ``url``, where a redirect leads, has another origin (RFC 6454)."""
        return (url.scheme, url.host, url.port) != (self.url.scheme, self.url.host, self.url.port)


def call_of(request: httpx.Request) -> Call:
    call = request.extensions[EXTENSION]
    assert isinstance(call, Call)
    return call
