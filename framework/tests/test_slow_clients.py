"""Who sends or reads slowly is waited for without holding a place that work could have."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI, Request
from framework.policies import policy, public
from framework.routing import Router

type Build = Callable[..., FastAPI]
type Message = MutableMapping[str, Any]

PART: Message = {"type": "http.request", "body": b"0123456789", "more_body": True}
END: Message = {"type": "http.request", "body": b"", "more_body": False}


class Client:
    """One request as a server passes it on: the test decides when a part of the body comes and when an answer is taken."""

    def __init__(self, app: FastAPI, path: str, method: str = "POST") -> None:
        self.parts: asyncio.Queue[Message] = asyncio.Queue()
        self.is_waited_for = False
        self.reads = asyncio.Event()
        self.sent: list[Message] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "client": ("192.0.2.1", 1),
        }
        self.answered = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        self.is_waited_for = self.parts.empty()
        message = await self.parts.get()
        self.is_waited_for = False
        return message

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        await self.reads.wait()

    async def status(self) -> int:
        self.reads.set()
        await self.answered
        return int(self.sent[0]["status"])


async def slow_client(app: FastAPI, wait_until: Callable[..., Any], path: str = "/api/things/bytes") -> Client:
    """It has sent a part of its body, and the application waits for the rest."""
    client = Client(app, path)
    await client.parts.put(PART)
    await wait_until(lambda: client.is_waited_for)
    return client


@pytest.fixture
def begun() -> list[int]:
    return []


@pytest.fixture
def leave() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def app(build: Build, begun: list[int], leave: asyncio.Event) -> FastAPI:
    """Two in flight, one of a module."""
    things = Router("things")

    @things.post("/bytes")
    @policy(public)
    async def count(request: Request) -> int:
        length = len(await request.body())
        begun.append(length)
        return length

    @things.post("/json")
    @policy(public)
    async def take(things: list[int]) -> int:
        begun.append(len(things))
        return len(things)

    @things.get("")
    @policy(public)
    async def stay() -> None:
        begun.append(0)
        await leave.wait()

    return build(things, max_concurrency=2, max_streams=10)


async def test_a_body_that_comes_slowly_holds_no_place(
    app: FastAPI, begun: list[int], wait_until: Callable[..., Any]
) -> None:
    slow = [await slow_client(app, wait_until) for _ in range(3)]
    quick = Client(app, "/api/things/bytes")
    await quick.parts.put(END)
    assert await quick.status() == 200
    for client in slow:
        await client.parts.put(END)
        assert await client.status() == 200
    assert begun == [0, 10, 10, 10]


@pytest.mark.parametrize("path", ["/api/things/bytes", "/api/things/json"])
async def test_a_body_that_comes_when_no_place_is_left_is_turned_away_before_its_route_begins(
    app: FastAPI, begun: list[int], leave: asyncio.Event, wait_until: Callable[..., Any], path: str
) -> None:
    slow = await slow_client(app, wait_until, path)
    staying = Client(app, "/api/things", "GET")
    await wait_until(lambda: begun)
    await slow.parts.put(END)
    assert await slow.status() == 503
    assert b'"code":"server.overloaded"' in slow.sent[1]["body"]
    assert begun == [0]
    leave.set()
    assert await staying.status() == 200


async def test_more_slow_bodies_than_streams_are_allowed_hold_places(
    app: FastAPI, wait_until: Callable[..., Any]
) -> None:
    # A module has six of the ten streams, and then one place.
    slow = [await slow_client(app, wait_until) for _ in range(7)]
    assert await Client(app, "/api/things/bytes").status() == 503
    for client in reversed(slow):
        await client.parts.put(END)
        assert await client.status() == 200


async def test_an_answer_that_is_read_slowly_holds_no_place(app: FastAPI, wait_until: Callable[..., Any]) -> None:
    slow = Client(app, "/api/things/bytes")
    await slow.parts.put(END)
    await wait_until(lambda: slow.sent)
    quick = Client(app, "/api/things/bytes")
    await quick.parts.put(END)
    assert await quick.status() == 200
    assert await slow.status() == 200


async def test_waiting_for_a_client_to_go_away_gives_no_place_back(
    build: Build, wait_until: Callable[..., Any]
) -> None:
    things = Router("things")
    waiting: list[bool] = []

    @things.get("")
    @policy(public)
    async def wait(request: Request) -> None:
        waiting.append(True)
        while (await request.receive())["type"] != "http.disconnect":
            pass

    app = build(things, max_concurrency=1)
    first = Client(app, "/api/things", "GET")
    await first.parts.put(END)
    await wait_until(lambda: waiting)
    assert await Client(app, "/api/things", "GET").status() == 503
    await first.parts.put({"type": "http.disconnect"})
    assert await first.status() == 200
