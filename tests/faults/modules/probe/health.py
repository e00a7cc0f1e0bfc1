"""A module that does not work just now, or did not start."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from framework.application import Application
from framework.health import HealthCheck, Unhealthy
from framework.policies import policy, public

from . import lag
from .lag import router

__all__ = ["checks", "lifespan", "router"]
BROKEN = os.environ.get("PROBE_BROKEN", "")
OPTIONAL = "PROBE_OPTIONAL" in os.environ


async def part(application: Application) -> str:
    """Fails while the file that ``PROBE_BROKEN`` names is there; asks the database, as such checks do."""
    async with application.database.driver_connection() as connection:
        await connection.fetchval("SELECT pg_sleep(0.3)")
    if Path(BROKEN).exists():  # noqa: ASYNC240 - one file
        raise Unhealthy("the part is broken")
    return "the part works"


async def hangs(_: Application) -> None:
    await asyncio.Event().wait()


checks = (
    (
        HealthCheck("probe.part", part, "Nothing of the probe.", closes_module=True, cache=2),
        HealthCheck("probe.hangs", hangs, "Nothing, really.", timeout=1, cache=30),
    )
    if BROKEN
    else ()
)


@asynccontextmanager
async def lifespan(application: Application) -> AsyncIterator[None]:
    if "PROBE_DOES_NOT_START" in os.environ:
        raise RuntimeError("the probe cannot start")
    async with lag.lifespan(application):
        yield


@router.get("/fault")
@policy(public)
async def fault(secret: str) -> None:
    raise LookupError(f"a fault of ours, with {len(secret)} characters")
