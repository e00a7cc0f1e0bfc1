"""A process takes on no more than it can do: above that it says so at once, and to whom it matters least."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from framework.bulkhead import RESERVE, SHED
from framework.policies import policy, public
from framework.routing import Router
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from framework import shed_summary

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


class House:
    """Two modules whose requests stay until ``leave`` is set, and what has come so far."""

    def __init__(self) -> None:
        self.leave = asyncio.Event()
        self.begun: list[str] = []
        self.routers = [self.router("slow"), self.router("other")]

    def router(self, name: str) -> Router:
        router = Router(name)

        async def stay() -> None:
            self.begun.append(name)
            await self.leave.wait()

        @router.get("/stay")
        @policy(public)
        async def stay_route() -> None:
            await stay()

        @router.get("/essential")
        @policy(public, essential=True)
        async def essential_route() -> None:
            await stay()

        @router.get("/stream")
        @policy(public)
        async def stream_route() -> StreamingResponse:
            return StreamingResponse(pieces())

        async def pieces() -> AsyncIterator[str]:
            await stay()
            yield "done"

        @router.get("/bug")
        @policy(public)
        async def bug_route() -> None:
            raise RuntimeError

        return router


@policy(public)
async def alive(_: object) -> PlainTextResponse:
    return PlainTextResponse("ok")


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def app(build: Build, house: House) -> FastAPI:
    """10 in flight, 6 of a module; 5 streams, 3 of a module."""
    routes = [Route("/health", alive), WebSocketRoute("/api/slow/socket", alive)]
    return build(*house.routers, routes=routes, max_concurrency=10, max_streams=5)


class Crowd:
    """Requests that were sent and not yet answered."""

    def __init__(self, client: httpx.AsyncClient, house: House, wait_until: Callable[..., Any]) -> None:
        self.client, self.house, self._wait_until = client, house, wait_until
        self.sent: list[asyncio.Task[httpx.Response]] = []

    async def send(self, path: str, count: int) -> None:
        """Until all of them are being worked on."""
        before = len(self.house.begun)
        self.sent += [asyncio.create_task(self.client.get(path)) for _ in range(count)]
        await self._wait_until(lambda: len(self.house.begun) == before + count)

    async def leave(self) -> list[int]:
        self.house.leave.set()
        return [answer.status_code for answer in await asyncio.gather(*self.sent)]


@pytest.fixture
async def crowd(app: FastAPI, browse: Browse, house: House, wait_until: Callable[..., Any]) -> AsyncIterator[Crowd]:
    crowd = Crowd(browse(app), house, wait_until)
    yield crowd
    await crowd.leave()


async def test_above_its_bound_a_process_says_so_at_once_and_below_it_serves_again(crowd: Crowd) -> None:
    await crowd.send("/api/slow/stay", 6)
    await crowd.send("/api/other/stay", 4)
    refused = await crowd.client.get("/api/other/stay")
    assert (refused.status_code, refused.json()["code"]) == (503, "server.overloaded")
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert refused.json()["correlation_id"] == refused.headers["x-correlation-id"]
    assert await crowd.leave() == [200] * 10
    assert (await crowd.client.get("/api/other/stay")).status_code == 200


async def test_one_module_cannot_take_the_places_of_the_others(crowd: Crowd) -> None:
    await crowd.send("/api/slow/stay", 6)
    assert (await crowd.client.get("/api/slow/stay")).status_code == 503
    await crowd.send("/api/other/stay", 4)


async def test_probes_are_answered_whatever_the_load(crowd: Crowd) -> None:
    await crowd.send("/api/slow/stay", 6)
    await crowd.send("/api/other/stay", 4)
    assert (await crowd.client.get("/health")).status_code == 200


async def test_essential_routes_have_a_reserve_and_no_more(crowd: Crowd) -> None:
    await crowd.send("/api/slow/stay", 6)
    await crowd.send("/api/other/stay", 4)
    await crowd.send("/api/slow/essential", RESERVE)
    assert (await crowd.client.get("/api/slow/essential")).status_code == 503
    assert (await crowd.client.get("/api/other/essential")).status_code == 503


async def test_streams_take_no_place_and_have_a_bound_of_their_own(crowd: Crowd) -> None:
    await crowd.send("/api/slow/stream", 3)
    assert (await crowd.client.get("/api/slow/stream")).status_code == 503
    await crowd.send("/api/other/stream", 2)
    await crowd.send("/api/slow/stay", 6)
    assert await crowd.leave() == [200] * 11


async def test_a_handshake_is_refused_when_there_are_too_many_streams(
    crowd: Crowd, app: FastAPI, handshake: Any
) -> None:
    await crowd.send("/api/slow/stream", 3)
    answer = await handshake(app, "/api/slow/socket")
    assert (answer[0]["type"], answer[0]["status"]) == ("websocket.http.response.start", 503)


async def test_a_request_that_fails_or_is_cancelled_gives_its_place_back(crowd: Crowd) -> None:
    for _ in range(20):
        assert (await crowd.client.get("/api/slow/bug")).status_code == 500
    await crowd.send("/api/slow/stay", 6)
    for request in crowd.sent:
        request.cancel()
    await asyncio.wait(crowd.sent)
    crowd.sent.clear()
    await crowd.send("/api/slow/stay", 6)


async def test_what_is_turned_away_is_one_line_and_no_line_each(
    crowd: Crowd, logged: list[Any], wait_until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shed_summary, "EVERY", 0.05)
    counted = SHED.labels("requests", "slow", "module")
    before = counted._value.get()
    await crowd.send("/api/slow/stay", 6)
    for _ in range(30):
        await crowd.client.get("/api/slow/stay")
    await wait_until(lambda: any(line["event"].startswith("overloaded") for line in logged))
    lines = [line for line in logged if "Redis" not in line["event"]]
    assert sum(line["count"] for line in lines) == 30
    assert {key for line in lines for key in line["by"]} == {"slow: requests of the module"}
    assert len(lines) < 10
    assert counted._value.get() - before == 30
