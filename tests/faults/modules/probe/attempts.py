"""Calls to a service that a test invents: it says how they end."""

import asyncio
from collections import defaultdict

from framework.application import CurrentApplication
from framework.deadline import within
from framework.policies import policy, public

from .routes import router

__all__ = ["router"]


_ends: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


@router.post("/attempts/{name}")
@policy(public, idempotent=True)
async def attempt(
    name: str, application: CurrentApplication, succeeds: bool, may_take: float = 20, held: str = ""
) -> str:
    with within(may_take):
        permit = await application.breakers.acquire(name)
    if held:
        await _ends[held].wait()
    await (permit.succeeded() if succeeds else permit.failed())
    return "probe" if permit.is_probe else "call"


@router.delete("/attempts/{held}")
@policy(public, idempotent=True)
async def end(held: str) -> None:
    """Lets those go on that this process holds by this word, and those to come."""
    _ends[held].set()


@router.get("/breakers")
@policy(public)
async def breakers(application: CurrentApplication) -> dict[str, float]:
    """Those that are not closed, with the seconds that each waits."""
    return {breaker.name: breaker.wait for breaker in await application.breakers.states()}
