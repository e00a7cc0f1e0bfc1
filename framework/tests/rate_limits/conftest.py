"""People at addresses, who ask a small application behind the production layers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.context import CurrentContext
from framework.policies import optional, policy, public, signed_in
from framework.principal import Authentication, Principal
from framework.rate_limits import Per, RateLimit
from framework.routing import Router
from framework.sessions import SessionToken
from redis.asyncio import Redis

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LIMITS = (
    RateLimit("things.person", 3, rate_class="person"),
    RateLimit("things.token", 3, per=Per.TOKEN, rate_class="token"),
    RateLimit("things.address", 3, per=Per.ADDRESS, rate_class="address"),
    RateLimit("things.everybody", 3, per=Per.EVERYBODY, rate_class="everybody"),
    RateLimit("things.costly", 10, per=Per.ADDRESS, rate_class="costly"),
    RateLimit("things.mails", 2, period=3600, rate_class="mails"),
)


def person(number: int) -> Principal:
    return Principal(UUID(int=number), UUID(int=0), "a@example.com", "A", (), frozenset(), NOW)


PEOPLE = {"adas laptop": person(1), "adas phone": person(1), "bobs": person(2)}
"""By the value of their session."""


async def load(_: Any, digest: bytes, __: Application) -> Principal | None:
    return {SessionToken(value).digest: principal for value, principal in PEOPLE.items()}.get(digest)


def router() -> Router:
    things = Router("things")
    for rate_class in ("person", "token", "address", "everybody"):

        async def answer(context: CurrentContext) -> str:
            return context.correlation_id

        things.get(f"/{rate_class}", name=rate_class)(policy(optional, rate_class=rate_class)(answer))

    @things.get("/costly")
    @policy(public, rate_class="costly", cost=4)
    async def costly() -> None: ...

    @things.get("/free")
    @policy(public, cost=0)
    async def free() -> None: ...

    @things.get("/signed-in")
    @policy(signed_in, rate_class="address")
    async def for_people() -> None: ...

    @things.get("/broken")
    @policy(public, rate_class="address")
    async def broken() -> None:
        raise LookupError

    @things.get("/number/{number}")
    @policy(public, rate_class="address")
    async def number(number: int) -> None: ...

    @things.websocket("/live")
    @policy(public, rate_class="address")
    async def live(socket: Any) -> None:
        raise AssertionError("never gets here")

    return things


@pytest.fixture(params=["with Redis", "without Redis"])
async def limited(
    request: pytest.FixtureRequest,
    build: Callable[..., FastAPI],
    environment: dict[str, str],
    patient_redis: Redis,
) -> Callable[..., FastAPI]:
    """``limited(rate_limits="…")``: the application, with the operator's settings; on Redis, and on its own."""
    await patient_redis.flushdb()
    redis = {"redis_url": environment["SM_REDIS_URL"]} if request.param == "with Redis" else {}

    def limited(**settings: Any) -> FastAPI:
        settings = {"rate_limits": "", **redis, **settings}
        app = build(
            settings.pop("router", router()), limits=LIMITS, authentication=Authentication(load, print), **settings
        )

        @asynccontextmanager
        async def no_connection() -> Any:
            yield None

        app.state.application.database.driver_connection = no_connection
        return app

    return limited


type Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """``await ask(app, "person", "203.0.113.9", signed_in="bobs")``: the answer to GET below ``/api/things``."""
    async with AsyncExitStack() as stack:

        async def ask(
            app: FastAPI, path: str, address: str = "203.0.113.1", signed_in: str = "", **headers: str
        ) -> httpx.Response:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50000))
            client = httpx.AsyncClient(transport=transport, base_url="https://seamark.test")
            stack.push_async_callback(client.aclose)
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if signed_in:
                sent["cookie"] = app.state.application.cookie.write(SessionToken(signed_in)).partition(";")[0]
            return await client.get(path if path.startswith("/") else f"/api/things/{path}", headers=sent)

        yield ask


@pytest.fixture
def admitted(ask: Ask) -> Callable[..., Awaitable[int]]:
    """How many of ten such requests are answered before the first 429."""

    async def admitted(app: FastAPI, *args: Any, **kwargs: Any) -> int:
        for number in range(10):
            if (await ask(app, *args, **kwargs)).status_code == 429:
                return number
        return 10

    return admitted
