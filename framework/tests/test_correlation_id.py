"""One id follows a request: taken when it is well-formed, made otherwise, sent back with every answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from framework.correlation import accept, bound, correlation_id, new_correlation_id
from framework.policies import policy, public
from framework.problems import Problem
from framework.routing import Router
from hypothesis import given
from hypothesis import strategies as st

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]

WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")


@given(st.text(max_size=80) | st.from_regex(WELL_FORMED, fullmatch=True))
def test_only_8_to_64_letters_digits_and_hyphens_are_taken(value: str) -> None:
    accepted = accept(value)
    assert WELL_FORMED.fullmatch(accepted)
    assert (accepted == value) == bool(WELL_FORMED.fullmatch(value))


@pytest.mark.parametrize(
    "value", [None, "", "short", "x" * 65, "abcdefgh\n", "abcdefgh\r\nx: y", "äbcdefgh", "abcdefgh ", "a,b,c,d,e"]
)
def test_everything_else_is_replaced(value: str | None) -> None:
    assert accept(value) != value
    assert WELL_FORMED.fullmatch(accept(value))


def test_ids_made_here_are_accepted_elsewhere() -> None:
    made = new_correlation_id()
    assert accept(made) == made


def test_a_block_ends_with_the_id_from_before() -> None:
    with bound("outer-id-1"):
        with bound("inner-id-1"):
            assert correlation_id() == "inner-id-1"
        assert correlation_id() == "outer-id-1"
    assert correlation_id() == ""


@pytest.fixture
def client(build: Build, browse: Browse) -> httpx.AsyncClient:
    things = Router("things")

    @things.get("")
    @policy(public)
    async def current() -> str:
        await asyncio.sleep(0)
        return correlation_id()

    @things.get("/bug")
    @policy(public)
    async def bug() -> None:
        raise RuntimeError("a bug")

    @things.get("/problem")
    @policy(public)
    async def problem() -> None:
        raise Problem(409, "things.stale", "Somebody else was faster.")

    @things.post("")
    @policy(public)
    async def add(count: int) -> None: ...

    return browse(build(things))


async def test_a_well_formed_id_is_used_and_sent_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/things", headers={"X-Correlation-ID": "from-the-client-1"})
    assert answer.json() == answer.headers["x-correlation-id"] == "from-the-client-1"


async def test_a_malformed_one_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/things", headers={"X-Correlation-ID": "<script>alert(1)</script>"})
    assert answer.json() == answer.headers["x-correlation-id"] != "<script>alert(1)</script>"
    assert WELL_FORMED.fullmatch(answer.json())


async def test_without_one_each_request_gets_its_own(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/api/things") for _ in range(20)))
    assert len({answer.json() for answer in answers}) == 20
    assert all(answer.json() == answer.headers["x-correlation-id"] for answer in answers)


async def test_simultaneous_requests_keep_their_ids_apart(client: httpx.AsyncClient) -> None:
    ids = [f"request-number-{number}" for number in range(20)]
    answers = await asyncio.gather(*(client.get("/api/things", headers={"X-Correlation-ID": id_}) for id_ in ids))
    assert [answer.json() for answer in answers] == ids


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/things/bug", 500),
        ("GET", "/api/things/problem", 409),
        ("POST", "/api/things?count=many", 422),
        ("DELETE", "/api/things", 405),
        ("GET", "/api/nothing", 404),
        ("GET", "/nowhere", 404),
    ],
)
async def test_every_answer_carries_it_exactly_once_errors_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers={"X-Correlation-ID": "follow-me-home"})
    assert answer.status_code == status
    assert answer.headers.get_list("x-correlation-id") == ["follow-me-home"]
    if answer.headers["content-type"] == "application/problem+json":
        assert answer.json()["correlation_id"] == "follow-me-home"


async def test_a_websocket_is_told_it_too(
    build: Build, handshake: Callable[..., Awaitable[list[dict[str, Any]]]]
) -> None:
    things = Router("things")

    @things.websocket("/live")
    @policy(public)
    async def live(socket: WebSocket) -> None:
        await socket.accept(headers=[(b"x-own", b"kept")])

    (accepted,) = await handshake(build(things), "/api/things/live", {"x-correlation-id": "follow-me-home"})
    assert (b"x-correlation-id", b"follow-me-home") in accepted["headers"]
    assert (b"x-own", b"kept") in accepted["headers"]
    refused = await handshake(build(things), "/api/things/none", {"x-correlation-id": "follow-me-home"})
    assert (b"x-correlation-id", b"follow-me-home") in refused[0]["headers"]
