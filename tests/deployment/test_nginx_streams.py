"""What does not end by itself gets through nginx as it comes; and nobody is left without an answer where no process is."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import websockets
from framework.embedded.ports import free_port
from host.trial import Trial

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import Nginx
from tests.faults.web import Replicas


@pytest.fixture(scope="module")
async def replicas(prepared: Trial) -> AsyncIterator[Replicas]:
    async with Replicas(prepared, 1) as replicas:
        yield replicas


@pytest.fixture
def nginx(replicas: Replicas, start_nginx: StartNginx) -> Nginx:
    return start_nginx(replicas.ports)


async def test_an_event_arrives_while_the_stream_goes_on(nginx: Nginx) -> None:
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=nginx.url) as client,
        client.stream("GET", "/api/probe/events") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        # It does not end: were it held back until it did, this would wait for ever.
        assert await anext(answer.aiter_lines()) == "event: first"


async def test_a_web_socket_is_handed_over(nginx: Nginx) -> None:
    async with asyncio.timeout(10), websockets.connect(f"ws://127.0.0.1:{nginx.port}/api/probe/echo") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def test_where_no_process_is_programs_get_a_problem_and_a_time(start_nginx: StartNginx) -> None:
    async with httpx.AsyncClient(base_url=start_nginx([free_port(), free_port()]).url) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, "/api/app")
            assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("server.unreachable", "2")
            assert "x-ratelimit-limit" not in answer.headers
        assert (await client.get("/")).status_code == 502
