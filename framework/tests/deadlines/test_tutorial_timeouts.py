"""What a widely copied tutorial's timeouts do wrong (`wait_for(call_next(request))`, `wait_for` on a query), each as it was tried."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from framework.findings import BootError
from framework.loader import load_modules
from framework.policies import policy, public
from framework.request_session import Session
from framework.routing import Router
from sqlalchemy import text

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Witness = asyncpg.Connection[asyncpg.Record]

DEADLINE = 0.4
LIVES_ON = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND query LIKE '%/* lives on */%' AND pid <> pg_backend_pid()"
)
ADD = text("INSERT INTO thing (name) VALUES ('one')")


def router(done: asyncio.Event) -> Router:
    things = Router("things")

    @things.post("/goes-on")
    @policy(public, deadline=DEADLINE)
    async def goes_on(session: Session) -> None:
        await session.execute(ADD)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        done.set()

    @things.get("/stream")
    @policy(public, deadline=DEADLINE)
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(4):
                await asyncio.sleep(DEADLINE / 2)
                yield b"%d" % number

        return StreamingResponse(parts())

    @things.get("/query")
    @policy(public, deadline=DEADLINE)
    async def query(session: Session) -> None:
        await session.execute(text("SELECT pg_sleep(60) /* lives on */"))

    return things


@pytest.fixture
def done() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def client(build: Build, browse: Browse, scratch_url: str, done: asyncio.Event) -> httpx.AsyncClient:
    return browse(build(router(done), database_url=scratch_url))


async def test_there_a_handler_goes_on_after_its_504_and_commits_here_it_cannot(
    client: httpx.AsyncClient, witness: Witness, done: asyncio.Event
) -> None:
    answer = await client.post("/api/things/goes-on")
    assert (answer.status_code, answer.json()["code"]) == (504, "request.deadline_exceeded")
    # Not behind the answer: it had come to its end before.
    assert done.is_set()
    assert await witness.fetchval("SELECT count(*) FROM thing") == 0


def test_there_a_thread_goes_on_after_its_504_here_no_route_runs_in_one(install: Callable[..., Path]) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")

        @router.post("/charge")
        @policy(public)
        def charge() -> None: ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    with pytest.raises(BootError, match=r"SM044 alpha\.module\.charge is not async, so it runs in a thread"):
        load_modules(["alpha"])


async def test_there_a_stream_is_cut_by_the_timeout_here_it_comes_whole(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/things/stream")).content == b"0123"


async def test_there_the_query_lives_on_here_it_is_gone(client: httpx.AsyncClient, witness: Witness) -> None:
    assert (await client.get("/api/things/query")).status_code == 504
    async with asyncio.timeout(2):
        while await witness.fetchval(LIVES_ON):  # noqa: ASYNC110 - it is Postgres that is waited for
            await asyncio.sleep(0.01)
