"""All breakers of an application, by name."""

import asyncio
from collections.abc import Callable
from itertools import count
from secrets import token_hex

import structlog
from redis.exceptions import ResponseError

from framework.circuit_breaker.circuit import Outcome, State, Verdict
from framework.circuit_breaker.handing_on import HandingOn
from framework.circuit_breaker.local import LocalCircuits, NotClosed, monotonic
from framework.circuit_breaker.permit import CircuitOpen, Permit
from framework.circuit_breaker.rules import Rules, microseconds
from framework.circuit_breaker.scripts import Scripts
from framework.circuit_breaker.shared import SharedCircuits
from framework.circuit_breaker.transitions import announce
from framework.deadline import remaining
from framework.redis_link import RedisLink, RedisUnavailable

log = structlog.get_logger()
REPORTED_WITHIN = 1.0
"""Seconds after the end of a call within which its outcome has arrived."""
SOON = 1_000_000
"""Microseconds after which a caller may look whether the probe that is under way has ended."""


class Breakers:
    """``permit = await breakers.acquire("api.example.com")``, then the call, then how it ended."""

    def __init__(
        self,
        link: RedisLink,
        rules: Rules | None = None,
        *,
        clock: Callable[[], int] = monotonic,
        scripts: Scripts | None = None,
    ) -> None:
        """``clock`` is this process's, in microseconds; that of Redis is in the ``scripts``."""
        self._rules = rules or Rules()
        self._link = link
        # Generations have names that no other process makes.
        self._process, self._numbers = token_hex(6), count(1)
        self._local = LocalCircuits(self._rules, self._fresh, clock)
        self._shared = SharedCircuits(link, scripts or Scripts.of(self._rules))
        self._handing_on = HandingOn(self._shared)
        self._is_refused = False

    async def acquire(self, name: str, *, label: str | None = None) -> Permit:
        """The leave to call ``name`` once. Raises ``CircuitOpen``.

        ``label`` stands for it in metrics, where names are too many or not the installation's own choice.
        """
        label = name if label is None else label
        available = self._link.available
        if available and (wait := self._local.refusal(name)):
            raise CircuitOpen(name, wait / 1e6)
        lease = microseconds(max(0, remaining(self._rules.probe_within)) + REPORTED_WITHIN)
        verdict = await self._ask(name, label, lease) if available else None
        is_shared = verdict is not None
        if verdict is None:
            verdict = self._local.admit(name, label, lease)
        if verdict.state is State.OPEN:
            raise CircuitOpen(name, (min(verdict.wait, SOON) if verdict.probing else verdict.wait) / 1e6)
        return Permit(
            self, name, label, verdict.generation, is_shared=is_shared, is_probe=verdict.state is State.HALF_OPEN
        )

    async def record(self, permit: Permit, outcome: Outcome) -> None:
        """For permits, which say so by their methods."""
        if permit.is_shared and self._link.available:
            try:
                changed = await self._shared.record(permit.name, permit.generation, outcome, self._fresh())
            except RedisUnavailable:
                pass
            except ResponseError as error:
                self._complain(error)
            else:
                if changed is not None:
                    self._local.hear(permit.name, permit.label, changed)
                    announce(permit.name, permit.label, changed.state, changed.wait / 1e6, shared=True)
                return
        self._local.record(permit, outcome)

    def abandon(self, permit: Permit) -> None:
        """For permits. Waits for nothing, because who was cancelled cannot."""
        if not permit.is_probe:
            return
        self._local.record(permit, Outcome.NOTHING)
        if permit.is_shared:
            self._handing_on.later(permit.name, permit.generation)
            self._handing_on.now()

    async def states(self) -> list[NotClosed]:
        """Those that are not closed in any process, or in this one while Redis does not answer, by name."""
        try:
            listed = await self._shared.not_closed()
        except (RedisUnavailable, ResponseError):
            listed = self._local.not_closed()
        return sorted(listed, key=lambda breaker: breaker.name)

    async def close(self) -> None:
        """Tells Redis what is left to tell."""
        await self._handing_on.close()

    async def _ask(self, name: str, label: str, lease: int) -> Verdict | None:
        """``None`` where Redis does not say. A probe that it may have granted all the same is handed on."""
        fresh = self._fresh()
        try:
            verdict = await self._shared.admit(name, fresh, lease, self._local.remembered(name))
        except asyncio.CancelledError:
            self._handing_on.later(name, fresh)
            self._handing_on.now()
            raise
        except RedisUnavailable:
            self._handing_on.later(name, fresh)
            return None
        except ResponseError as error:
            self._complain(error)
            return None
        self._is_refused = False
        self._handing_on.now()
        self._local.hear(name, label, verdict, lease)
        if verdict.state is State.HALF_OPEN:
            announce(name, label, State.HALF_OPEN, shared=True)
        return verdict

    def _complain(self, error: ResponseError) -> None:
        """Once: Redis answers, and refuses; it is full, or a replica."""
        if not self._is_refused:
            log.error("Redis refuses what breakers ask; they are this process's own", error=repr(error))
        self._is_refused = True

    def _fresh(self) -> str:
        return f"{self._process}.{next(self._numbers)}"
