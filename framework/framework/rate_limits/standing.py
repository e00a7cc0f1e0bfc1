"""Where a request stands with its limits, and how the answer says so."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from framework.problems import Problem
from framework.rate_limits.rule import SECOND, RateLimit

type Fields = list[tuple[bytes, bytes]]


class Standing(NamedTuple):
    """By the tightest of a request's rules: the one that refused it, or would be the first to."""

    rule: RateLimit
    remaining: int
    """What is left at once."""
    reset: int
    """Seconds until all of it is there again; when refused, ``retry_after``."""
    retry_after: int
    """Seconds after which it would be admitted, rounded up; 0 when it was."""

    @property
    def admitted(self) -> bool:
        return not self.retry_after


def judge(rules: Sequence[RateLimit], owed: Sequence[int], cost: int, admitted: bool) -> Standing:
    """``owed``: microseconds that each bucket owes now, this request's charge included when it was admitted."""
    tightest, debt, least = rules[0], owed[0], _left(rules[0], owed[0], cost, admitted)
    for rule, its in zip(rules[1:], owed[1:], strict=True):
        left = _left(rule, its, cost, admitted)
        if left < least:
            tightest, debt, least = rule, its, left
    if admitted:
        return Standing(tightest, least, -(-debt // SECOND), 0)
    wait = -(least // SECOND)
    return Standing(tightest, (tightest.capacity - debt) // tightest.interval, wait, wait)


def _left(rule: RateLimit, owed: int, cost: int, admitted: bool) -> int:
    """The smaller, the tighter: how many more requests; when refused, the wait in microseconds, negative."""
    return (rule.capacity - owed) // rule.interval if admitted else rule.capacity - owed - rule.charge(cost)


def policy_field(rules: Sequence[RateLimit]) -> bytes:
    """The rules themselves (draft-ietf-httpapi-ratelimit-headers-11, ``RateLimit-Policy``)."""
    return ", ".join(f'"{rule.name}";q={rule.limit};w={ceil(rule.period)}' for rule in rules).encode()


def fields(standing: Standing, policy: bytes) -> Fields:
    """``RateLimit`` of that draft, and what clients knew before it. All times are in seconds from now."""
    rule, remaining, reset, _ = standing
    return [
        (b"ratelimit-policy", policy),
        (b"ratelimit", f'"{rule.name}";r={remaining};t={reset}'.encode()),
        (b"x-ratelimit-limit", str(rule.limit).encode()),
        (b"x-ratelimit-remaining", str(remaining).encode()),
        (b"x-ratelimit-reset", str(reset).encode()),
    ]


class RateLimitExceeded(Problem):
    """429, with the real wait (RFC 6585, 4; RFC 9110, 10.2.3)."""

    def __init__(self, standing: Standing, policy: bytes) -> None:
        self.standing = standing
        seconds = standing.retry_after
        headers = {name.decode(): value.decode() for name, value in fields(standing, policy)}
        super().__init__(
            429,
            "rate_limit.exceeded",
            f"Too many requests. Try again in {seconds} second{'s' if seconds != 1 else ''}.",
            headers=headers | {"retry-after": str(seconds)},
        )
