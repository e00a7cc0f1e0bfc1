"""The limiter of a process: asks Redis, and counts by itself while Redis does not answer."""

from collections.abc import Callable, Sequence
from time import monotonic_ns

import structlog
from prometheus_client import Counter
from redis.exceptions import ResponseError

from framework.rate_limits.rule import RateLimit
from framework.rate_limits.rules import Limits, Rules
from framework.rate_limits.script import CHARGE
from framework.rate_limits.standing import RateLimitExceeded, Standing, judge
from framework.redis_link import Argument, RedisLink, RedisUnavailable

log = structlog.get_logger()
refusals = Counter("seamark_rate_limit_refused", "Requests refused by a rate limit", ["rule"])
alone = Counter("seamark_rate_limit_alone", "Requests that were counted by their process alone, without Redis")


def monotonic() -> int:
    """Microseconds of a clock that nobody sets."""
    return monotonic_ns() // 1000


class RateLimiter:
    """One in every process (``application.limiter``).

    Each answer of Redis is remembered, so that a client who was at its limit stays there when Redis goes away; what is
    remembered goes along with each question, so that a Redis which lost its memory learns it again.
    """

    def __init__(self, rules: Rules, link: RedisLink, clock: Callable[[], int] = monotonic) -> None:
        self.rules = rules
        self._link = link
        self._clock = clock
        self._refused_to_count = False

    async def charge(self, rule: RateLimit, key: str, cost: int = 1) -> Standing | None:
        """Count what a module does outside of its routes' policies, such as mails to one address.

        ``rule`` is in the module's manifest, with a ``rate_class`` when it is not to count all of its routes; ``key``
        tells whose bucket it is. ``None`` when the operator has switched the rule off.
        Raises ``RateLimitExceeded``, which answers 429 where nobody catches it; then nothing was charged.
        """
        limits = self.rules.named(rule.name)
        return await self.charge_all(limits, [key], cost) if limits.meters else None

    async def charge_all(self, limits: Limits, subjects: Sequence[str], cost: int) -> Standing:
        """Take ``cost`` of the bucket of each subject (one for each meter), or raise ``RateLimitExceeded`` and take nothing."""
        owed, admitted = None, False
        if self._link.available:
            try:
                owed, admitted = await self._charge_shared(limits, subjects, cost)
                self._refused_to_count = False
            except RedisUnavailable:
                pass
            except ResponseError as error:
                # Out of memory, or a replica that may not write: it answers, and cannot count.
                if not self._refused_to_count:
                    log.warning("Redis does not count; limits are this process's own until it does", error=repr(error))
                self._refused_to_count = True
        if owed is None:
            alone.inc()
            owed, admitted = self._charge_own(limits, subjects, cost)
        standing = judge(limits.rules, owed, cost, admitted)
        if not admitted:
            refusals.labels(standing.rule.name).inc()
            raise RateLimitExceeded(standing, limits.policy)
        return standing

    async def _charge_shared(self, limits: Limits, subjects: Sequence[str], cost: int) -> tuple[list[int], bool]:
        # From before the question: what is remembered must not be more than what Redis knows, or it would grow by the
        # time that each question takes.
        now = self._clock()
        keys: list[Argument] = []
        words: list[Argument] = []
        for meter, subject in zip(limits.meters, subjects, strict=True):
            keys.append(meter.prefix + subject)
            words += (meter.rule.capacity, meter.rule.charge(cost), meter.buckets.owed(subject, now))
        admitted, *owed = await self._link.run(CHARGE, keys, words)
        for meter, subject, debt in zip(limits.meters, subjects, owed, strict=True):
            meter.buckets.remember(subject, debt, now)
        return owed, bool(admitted)

    def _charge_own(self, limits: Limits, subjects: Sequence[str], cost: int) -> tuple[list[int], bool]:
        now = self._clock()
        places, owed, admitted = [], [], True
        for meter, subject in zip(limits.meters, subjects, strict=True):
            place = meter.buckets.place(subject, now)
            debt = meter.buckets.owed(place, now)
            places.append(place)
            owed.append(debt)
            admitted = admitted and debt + meter.rule.charge(cost) <= meter.rule.capacity
        if admitted:
            for index, (meter, place) in enumerate(zip(limits.meters, places, strict=True)):
                owed[index] += meter.rule.charge(cost)
                meter.buckets.owe(place, owed[index], now)
        return owed, admitted
