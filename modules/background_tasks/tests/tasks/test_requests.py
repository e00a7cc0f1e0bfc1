"""A request that enqueues asks Postgres, and never the broker: whether that answers is nothing to it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from framework.application import connect
from framework.asgi import assemble
from framework.module import Module
from framework.policies import policy, public
from framework.request_session import Session
from framework.routing import Dispatcher, Router
from framework.settings import Settings
from framework.tasks import TaskRun, task
from starlette.routing import Route

router = Router("probe")


@task("probe.note")
async def note(run: TaskRun, *, key: str) -> None: ...


@router.post("", status_code=202)
@policy(public)
async def ask(session: Session, key: str) -> UUID:
    return await note.enqueue(session, key=key)


@asynccontextmanager
async def never_started(_: object) -> AsyncIterator[None]:
    yield


async def no_page(*_: object) -> None: ...


@pytest.fixture
async def deaf_broker() -> AsyncIterator[list[str]]:
    """Whoever has dialled it, and got no answer; ``deaf_broker[0]`` is its address."""
    dialled: list[str] = []

    async def keep_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.append(str(writer.get_extra_info("peername")))
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        dialled.append(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        yield dialled
        for writer in writers:
            writer.close()


@pytest.fixture
async def build(make_settings: Callable[..., Settings], clean: None) -> AsyncIterator[Callable[..., FastAPI]]:
    async with AsyncExitStack() as stack:

        def build(**changes: Any) -> FastAPI:
            module = Module(name="probe", label="Probe", router=router, tasks=(note,))
            application = connect(make_settings(**changes), (module,), "test")
            stack.push_async_callback(application.close)
            return assemble(application, Dispatcher(router.routes, never_started, Route("/{path:path}", no_page)))

        yield build


async def test_a_request_that_enqueues_does_not_dial_the_broker(
    build: Callable[..., FastAPI], deaf_broker: list[str], row: Callable[[UUID], Awaitable[dict[str, Any]]]
) -> None:
    address, *_ = deaf_broker
    # The limits of the web process ask Redis, too.
    transport = httpx.ASGITransport(app=build(redis_url=address, rate_limits="seamark.address=off"))
    async with httpx.AsyncClient(transport=transport, base_url="https://seamark.test") as client:
        answers = await asyncio.gather(*(client.post("/api/probe", params={"key": f"{n}"}) for n in range(20)))
    assert [answer.status_code for answer in answers] == [202] * 20
    assert deaf_broker == [address]
    assert (await row(UUID(answers[-1].json())))["state"] == "queued"


def test_a_process_that_serves_requests_does_not_even_import_it(environment: dict[str, str]) -> None:
    script = "import host.main, sys; print({'background_tasks', 'celery', 'kombu'} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "{'background_tasks'}"
