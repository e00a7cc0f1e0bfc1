"""A rule: how much of what, in which time, and whose requests share it."""

from dataclasses import dataclass, field
from enum import StrEnum

SECOND = 1_000_000
"""Microseconds, in which all is counted: integers, so that nothing is lost by rounding."""


class Per(StrEnum):
    """Whose requests share one bucket. Nothing that a client may write as it likes is ever a key."""

    PRINCIPAL = "principal"
    """The signed-in person, wherever they are signed in; else the address."""
    TOKEN = "token"  # noqa: S105 - a kind of key
    """The one sign-in; else the address."""
    ADDRESS = "address"
    """The client's address as the trusted proxies give it; of IPv6 the first 64 bits, which one customer has to himself."""
    EVERYBODY = "everybody"
    """All of them: for what must not be overrun, such as another service's quota."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``limit`` requests at once, and as many again in ``period`` seconds, evenly.

    A bucket of ``limit`` that fills up continuously: there is no window whose end lets twice as many through. Without
    ``rate_class`` the rule counts all routes of its module; with one, those whose policy names it, and what the module
    charges itself (``application.limiter.charge``). ``name`` is ``<module>.<what>``.
    """

    name: str
    limit: int
    period: float = 60.0
    per: Per = Per.PRINCIPAL
    rate_class: str | None = None
    interval: int = field(init=False)
    """Microseconds in which one request is earned, rounded up: never more than ``limit`` in ``period``."""
    capacity: int = field(init=False)
    """A full bucket, in microseconds of earning."""

    def __post_init__(self) -> None:
        period = round(self.period * SECOND)
        if not 1 <= self.limit <= period:
            raise ValueError(f"rate limit {self.name}: {self.limit} in {self.period:g} s cannot be counted")
        object.__setattr__(self, "interval", -(-period // self.limit))
        object.__setattr__(self, "capacity", self.interval * self.limit)

    def charge(self, cost: int) -> int:
        """What a request of this cost takes, in microseconds. One that costs more than the bucket holds empties it."""
        return self.interval * min(cost, self.limit)

    def __str__(self) -> str:
        return f"{self.limit}/{self.period:g}"


SIGNED_IN = RateLimit("seamark.principal", limit=1200)
"""Counts every route for people who are signed in."""

ANONYMOUS = RateLimit("seamark.address", limit=600, per=Per.ADDRESS)
"""Counts every route, and every unknown address, for everyone else."""
