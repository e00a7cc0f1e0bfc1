"""The limiter of a process: asks Redis, and counts by itself while Redis does not answer."""

from collections.abc import Callable, Sequence
from time import monotonic_ns, time_ns

import structlog
from prometheus_client import Counter
from redis.exceptions import ResponseError

from framework.rate_limits import alone, shared
from framework.rate_limits.rule import RateLimit
from framework.rate_limits.rules import Limits, Rules
from framework.rate_limits.standing import RateLimitExceeded, Standing, judge
from framework.redis_link import RedisLink, RedisUnavailable

log = structlog.get_logger()
refusals = Counter("seamark_rate_limit_refused", "Requests refused by a rate limit", ["rule"])
local = Counter("seamark_rate_limit_local", "Requests that their process counted by itself, without Redis")


STARTED = time_ns() - monotonic_ns()


def steady() -> int:
    """Microseconds since 1970 as the clock was when the process started: nobody can set it back or forward."""
    return (STARTED + monotonic_ns()) // 1000


class RateLimiter:
    """One in every process (``application.limiter``).

    Each answer of Redis is remembered, so that a client who was at its limit stays there when Redis goes away; what is
    remembered goes along with each question, so that a Redis which lost its memory learns it again.
    """

    def __init__(self, rules: Rules, link: RedisLink, clock: Callable[[], int] = steady) -> None:
        self.rules = rules
        self._link = link
        self.clock = clock
        self._ahead = 0
        """Microseconds by which the clock of Redis is ahead of ours: buckets are in its time, ours and the shared ones."""
        self._refused_to_count = False

    async def charge(self, rule: RateLimit, key: str, cost: int = 1) -> Standing | None:
        """Count what a module does outside of its routes' policies, such as mails to one address.

        ``rule`` is in the module's manifest, with a ``rate_class`` when it is not to count all of its routes; ``key``
        tells whose bucket it is. ``None`` when the operator has switched the rule off.
        Raises ``RateLimitExceeded``, which answers 429 where nobody catches it; then nothing was charged.
        """
        if cost < 0:
            raise ValueError("a charge cannot be less than nothing")
        limits = self.rules.named(rule.name)
        return await self.charge_all(limits, [key], cost) if limits.meters else None

    async def charge_all(self, limits: Limits, subjects: Sequence[str], cost: int) -> Standing:
        """Take ``cost`` of the bucket of each subject (one for each meter), or raise ``RateLimitExceeded`` and take nothing."""
        owed, admitted = await self._charge(limits, subjects, cost)
        standing = judge(limits.rules, owed, cost, admitted)
        if not admitted:
            refusals.labels(standing.rule.name).inc()
            raise RateLimitExceeded(standing, limits.policy)
        return standing

    async def _charge(self, limits: Limits, subjects: Sequence[str], cost: int) -> tuple[list[int], bool]:
        if self._link.available:
            asked = self.clock()
            try:
                answer = await self._link.run(shared.CHARGE, *shared.question(limits, subjects, cost))
            except RedisUnavailable:
                pass
            except ResponseError as error:
                # Out of memory, or a replica that may not write: it answers, and cannot count.
                if not self._refused_to_count:
                    log.warning("Redis does not count; limits are this process's own until it does", error=repr(error))
                self._refused_to_count = True
            else:
                self._refused_to_count = False
                admitted, now, owed = shared.take_down(answer, limits, subjects)
                self._ahead = now - asked
                return owed, admitted
        local.inc()
        return alone.charge(limits, subjects, cost, self.clock() + self._ahead)
