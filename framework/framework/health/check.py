"""A check: the question, what depends on it, and its answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from framework.application import Application

Status = Literal["ok", "degraded", "failed"]
PROBES = frozenset({"/health", "/health/ready"})
"""What load balancers and orchestrators ask: answered whatever the load, and not worth a line in the log."""


class Unhealthy(Exception):
    """Raised by a check that knows what is wrong; its text is shown to people who may see the health page."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """``run`` raises when something is wrong, and may return a short remark for people when it is not.

    The text of ``Unhealthy`` is shown; that of any other exception goes to the log only, as it may hold an address or worse.
    ``run`` is given an application whose ``database`` is a pool for checks only, so it answers while the requests' pool is
    exhausted. It must not block the event loop, and is cancelled after ``timeout``.

    ``name`` is ``<module>.<what>``; ``affects`` is a sentence for people: what does not work while it fails. A failing
    critical check makes the whole application unhealthy (503); any other only degrades it. One that ``closes_module``
    has the module's routes answer ``503 module.unavailable`` while it fails. ``timeout`` is in seconds, and so is
    ``cache``: for so long one answer serves all who ask.
    """

    name: str
    run: Callable[[Application], Awaitable[str | None]]
    affects: str
    critical: bool = False
    closes_module: bool = False
    timeout: float = 2.0
    cache: float = 5.0

    @property
    def module(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class HealthResult:
    """``since``: from when it has had this status, as far as anybody knows."""

    name: str
    module: str
    status: Status
    critical: bool
    closes_module: bool
    affects: str
    remark: str
    milliseconds: float
    at: datetime
    since: datetime | None = None


def overall(results: Sequence[HealthResult]) -> Status:
    """``failed`` only when a critical check fails."""
    if any(result.status == "failed" for result in results):
        return "failed"
    return "degraded" if any(result.status == "degraded" for result in results) else "ok"
