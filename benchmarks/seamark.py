"""Seamark with everything on, and some routes more: ``uvicorn benchmarks.seamark:app``.

``BENCHMARK_WITHOUT`` names a layer that is left out, to see what it costs.
"""

import asyncio
import os

from framework.application import CurrentApplication
from framework.idempotency.route import KeepingRoute
from framework.policies import policy, public, signed_in
from framework.request_session import Session
from host.boot import create_app
from host.routes import router
from sqlalchemy import text

from benchmarks.routes import Greeting, greet

ONE = text("SELECT 1")


async def greet_guarded(application: CurrentApplication) -> Greeting:
    """With what one call of another service asks its breaker."""
    permit = await application.breakers.acquire("benchmark.example")
    await permit.succeeded()
    return await greet()


async def greet_and_write(session: Session) -> Greeting:
    """In a transaction that has begun."""
    await session.execute(ONE)
    return await greet()


async def hold() -> None:
    """Takes a place among the requests in flight, for as long as its client stays."""
    await asyncio.Event().wait()


router.get("/api/greeting")(policy(public)(greet))
router.get("/api/greeting-guarded")(policy(public)(greet_guarded))
router.get("/api/hold")(policy(public, deadline=3600)(hold))
router.add_api_route(
    "/api/greeting", policy(signed_in)(greet_and_write), methods=["POST"], route_class_override=KeepingRoute
)
app = create_app()
app.user_middleware = [
    layer
    for layer in app.user_middleware
    if layer.cls.__name__ != os.environ.get("BENCHMARK_WITHOUT")  # type: ignore[attr-defined]  # a factory need not be a class
]
