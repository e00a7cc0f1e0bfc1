"""Health: what each module says of itself, aggregated (probes: Kubernetes, "Configure Liveness, Readiness and Startup Probes")."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import Literal

import structlog

from framework.application import Application
from framework.circuit_breaker import NotClosed, State

log = structlog.get_logger()
Status = Literal["ok", "degraded", "failed"]
NAMED = 5
"""Services of which the page says that calls to them are held back; there may be many."""
PROBES = frozenset({"/health", "/health/ready"})
"""What load balancers and orchestrators ask: answered whatever the load, and not worth a line in the log."""


class Unhealthy(Exception):
    """Raised by a check that knows what is wrong; its text is shown to people who may see the health page."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """``run`` raises when something is wrong, and may return a short remark for people when it is not.

    The text of ``Unhealthy`` is shown; that of any other exception goes to the log only, as it may hold an address or worse.

    ``name`` is ``<module>.<what>``. A failing critical check makes the whole application unhealthy (503); any other
    only degrades it. ``timeout`` is in seconds.
    """

    name: str
    run: Callable[[Application], Awaitable[str | None]]
    critical: bool = False
    timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class HealthResult:
    name: str
    status: Status
    critical: bool
    milliseconds: float
    remark: str = ""


async def run_checks(application: Application, checks: Sequence[HealthCheck]) -> list[HealthResult]:
    """All checks at once, each within its timeout."""
    return list(await asyncio.gather(*(_run(application, check) for check in checks)))


async def _run(application: Application, check: HealthCheck) -> HealthResult:
    started = perf_counter()
    status: Status = "failed" if check.critical else "degraded"
    try:
        async with asyncio.timeout(check.timeout):
            remark = await check.run(application) or ""
        status = "ok"
    except TimeoutError:
        remark = f"no answer within {check.timeout:g} s"
    except Unhealthy as error:
        remark = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a check raises is what it reports
        log.warning("health check failed", check=check.name, error=repr(error))
        remark = "failed; the log of this process says why"
    return HealthResult(check.name, status, check.critical, round((perf_counter() - started) * 1000, 1), remark)


def overall(results: Sequence[HealthResult]) -> Status:
    """``failed`` only when a critical check fails."""
    if any(result.status == "failed" for result in results):
        return "failed"
    return "degraded" if any(result.status == "degraded" for result in results) else "ok"


async def _database(application: Application) -> None:
    async with application.database.driver_connection() as connection:
        await connection.fetchval("SELECT 1")


async def _redis(application: Application) -> None:
    await application.redis.ping()


async def _outgoing(application: Application) -> None:
    """What this calls and gets no answers from (``framework.circuit_breaker``)."""
    breakers = await application.breakers.states()
    if breakers:
        named = ", ".join(f"{breaker.name} ({_next_call(breaker)})" for breaker in breakers[:NAMED])
        more = f" and {len(breakers) - NAMED} more" if len(breakers) > NAMED else ""
        raise Unhealthy(f"Calls are held back to {named}{more}")


def _next_call(breaker: NotClosed) -> str:
    if breaker.state is State.HALF_OPEN:
        return "one is trying whether it answers again"
    return f"the next may try in {ceil(breaker.wait)} s" if breaker.wait else "the next may try"


framework_checks = (
    HealthCheck("seamark.database", _database, critical=True),
    HealthCheck("seamark.redis", _redis),
    HealthCheck("seamark.outgoing", _outgoing),
)
