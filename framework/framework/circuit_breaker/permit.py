"""The leave to make one call, by which its outcome is told."""

from math import ceil
from typing import Protocol

from framework.circuit_breaker.circuit import Outcome
from framework.problems import Problem


class CircuitOpen(Problem):
    """The service did not answer lately, so it is not asked now. A request that does not catch this is answered 503.

    ``retry_after`` is seconds: until the next probe, or about when the one that is under way may have ended.
    """

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(
            503,
            "outgoing.circuit_open",
            "A service that this needs does not answer at present. Try again in a moment.",
            headers={"retry-after": str(max(1, ceil(retry_after)))},
        )
        self.name, self.retry_after = name, retry_after


class Ledger(Protocol):
    """Where the outcomes of permits are recorded."""

    async def record(self, permit: "Permit", outcome: Outcome) -> None: ...
    def abandon(self, permit: "Permit") -> None: ...


class Permit:
    """Say once how the call ended, by one of the three methods; what is said later changes nothing."""

    __slots__ = ("_ended", "_ledger", "generation", "is_probe", "is_shared", "label", "name")

    def __init__(
        self, ledger: Ledger, name: str, label: str, generation: str, *, is_shared: bool, is_probe: bool
    ) -> None:
        self.name, self.label, self.generation = name, label, generation
        self.is_shared = is_shared
        """Whether the breaker of all processes gave it, or this process' own."""
        self.is_probe = is_probe
        """The one call on which it depends whether others are let through again."""
        self._ledger = ledger
        self._ended = False

    async def succeeded(self) -> None:
        """The service answered, be it by refusing this request (404, 422, …)."""
        if not self._ended:
            self._ended = True
            await self._ledger.record(self, Outcome.SUCCESS)

    async def failed(self) -> None:
        """The service did not answer, or said that it cannot."""
        if not self._ended:
            self._ended = True
            await self._ledger.record(self, Outcome.FAILURE)

    def abandoned(self) -> None:
        """Nothing was learnt: the call was cancelled, or never sent. A probe is handed on to the next call."""
        if not self._ended:
            self._ended = True
            self._ledger.abandon(self)
