"""What nginx repeats at another process when one fails, and what it never does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import Nginx
from tests.deployment.replica import WORKS, Replica

KEY = {"idempotency-key": "01900000-0000-7000-8000-000000000000"}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Pair:
    """Two processes behind nginx; by turns each is the first to get a request."""

    def __init__(self, nginx: Nginx, replicas: tuple[Replica, Replica]) -> None:
        self.nginx = nginx
        self.replicas = replicas

    @property
    def requests(self) -> list[bytes]:
        return [request for replica in self.replicas for request in replica.requests]

    async def ask(self, method: str, path: str = "/api/contacts", **options: object) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.nginx.url, timeout=10) as client:
            return await client.request(method, path, **options)  # type: ignore[arg-type]


type MakePair = Callable[[bytes, bytes], Awaitable[Pair]]


@pytest.fixture
async def pair(stack: AsyncExitStack, start_nginx: StartNginx) -> MakePair:
    async def pair(one: bytes, other: bytes) -> Pair:
        first = await stack.enter_async_context(Replica(one))
        second = await stack.enter_async_context(Replica(other))
        return Pair(start_nginx([first.port, second.port]), (first, second))

    return pair


DIES = b""


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_what_is_idempotent_goes_to_another_process(pair: MakePair, method: str) -> None:
    both = await pair(DIES, WORKS)
    assert [(await both.ask(method)).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_have_taken_effect_is_never_sent_twice(pair: MakePair, method: str) -> None:
    both = await pair(DIES, WORKS)
    answers = [await both.ask(method, content=b"a change") for _ in range(2)]
    assert sorted(answer.status_code for answer in answers) == [200, 502]
    assert len(both.requests) == 2
    refused = next(answer for answer in answers if answer.status_code == 502)
    assert refused.json()["code"] == "server.unreachable"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("path", ["/api/contacts", "/api/contacts/imports"])
async def test_what_carries_a_key_is(pair: MakePair, method: str, path: str) -> None:
    both = await pair(DIES, WORKS)
    answers = [await both.ask(method, path, content=b"a change", headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(both.requests) == 3
    for request in both.requests:
        assert request.endswith(b"\r\n\r\na change")
        assert KEY["idempotency-key"].encode() in request
        assert request.startswith(f"{method} {path} ".encode())


async def test_what_was_never_sent_is_sent_elsewhere_with_or_without_a_key(pair: MakePair) -> None:
    both = await pair(WORKS, WORKS)
    await both.replicas[0].__aexit__()
    assert [(await both.ask("POST")).status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("status", [b"500 Internal Server Error", b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout", b"429 Too Many Requests"])  # fmt: skip
async def test_an_answer_is_an_answer_whatever_it_says(pair: MakePair, status: bytes) -> None:
    both = await pair(status, WORKS)
    answers = [await both.ask("GET", headers=KEY) for _ in range(2)]
    assert sorted(answer.status_code for answer in answers) == [200, int(status[:3])]
    assert {answer.text for answer in answers} == {"ok"}


async def test_a_body_that_is_too_large_reaches_no_process(pair: MakePair) -> None:
    both = await pair(WORKS, WORKS)
    limit = 1_048_576
    for headers in (KEY, {}):
        refused = await both.ask("POST", content=b"x" * (limit + 1), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (413, "request.too_large")
        assert (await both.ask("POST", content=b"x" * limit, headers=headers)).status_code == 200
        assert (
            await both.ask("POST", "/api/contacts/imports", content=b"x" * (limit + 1), headers=headers)
        ).status_code == 200
    assert len(both.requests) == 4


async def test_a_process_hears_only_what_nginx_knows_itself(pair: MakePair) -> None:
    both = await pair(WORKS, WORKS)
    forged = dict.fromkeys(
        ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded"), "forged"
    )
    for path in ("/", "/api/contacts"):
        await both.ask("GET", path, headers=forged)
        await both.ask("POST", path, headers=forged | KEY)
    assert len(both.requests) == 4
    for request in both.requests:
        assert b"forged" not in request
        assert b"X-Forwarded-For: 127.0.0.1\r\n" in request
        assert b"X-Forwarded-Proto: http\r\n" in request
