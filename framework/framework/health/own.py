"""The framework's own checks."""

from math import ceil

from framework.application import Application
from framework.circuit_breaker import NotClosed, State
from framework.health.check import HealthCheck, Unhealthy

NAMED = 5
"""Services of which the page says that calls to them are held back; there may be many."""


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


own_checks = (
    HealthCheck("seamark.database", _database, "Nothing works without it.", critical=True, cache=1),
    HealthCheck(
        "seamark.redis",
        _redis,
        "Limits are each process's own, and tasks begin late: they wait in Postgres until it is back.",
        cache=1,
    ),
    HealthCheck(
        "seamark.outgoing", _outgoing, "What needs these services fails at once, until they answer again.", cache=1
    ),
)
