"""All breakers of an application, by name."""

from itertools import count
from secrets import token_hex

from framework.circuit_breaker.circuit import Outcome, State
from framework.circuit_breaker.local import LocalCircuits, NotClosed
from framework.circuit_breaker.permit import CircuitOpen, Permit
from framework.circuit_breaker.rules import Rules, microseconds
from framework.deadline import remaining
from framework.redis_link import RedisLink

SOON = 1.0
"""Seconds after which a caller may look whether the probe that is under way has ended."""


class Breakers:
    """``permit = await breakers.acquire("api.example.com")``, then the call, then how it ended."""

    def __init__(self, link: RedisLink, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._link = link
        # Generations have names that no other process makes.
        process, numbers = token_hex(6), count(1)
        self._local = LocalCircuits(self._rules, lambda: f"{process}.{next(numbers)}")

    async def acquire(self, name: str, *, label: str | None = None) -> Permit:
        """The leave to call ``name`` once. Raises ``CircuitOpen``.

        ``label`` stands for it in metrics, where names are too many or not the installation's own choice.
        """
        label = name if label is None else label
        lease = max(1, microseconds(remaining(self._rules.probe_within)))
        verdict = self._local.admit(name, label, lease)
        if verdict.state is State.OPEN:
            raise CircuitOpen(name, min(verdict.wait / 1e6, SOON) if verdict.probing else verdict.wait / 1e6)
        return Permit(self, name, label, own=verdict.generation, is_probe=verdict.state is State.HALF_OPEN)

    async def record(self, permit: Permit, outcome: Outcome) -> None:
        self._local.record(permit, outcome)

    def abandon(self, permit: Permit) -> None:
        self._local.record(permit, Outcome.NOTHING)

    async def states(self) -> list[NotClosed]:
        """Those that are not closed, by name."""
        return sorted(self._local.not_closed(), key=lambda breaker: breaker.name)

    async def close(self) -> None:
        """Tells Redis what is left to tell."""
