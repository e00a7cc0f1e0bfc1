"""What a test may ask for."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import pytest

from host.testing.servers import Addresses

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI
    from framework.application import Application
    from framework.database import Database
    from framework.settings import Settings
    from framework.tasks.runner import Result
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncSession

    from host.testing.databases import Cleaner
    from host.testing.service import Service

# Imported where they are used: pytest loads this file for every test there is, and most of what follows costs a second.


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Addresses:
    """Where this run's Postgres and Valkey are."""
    from host.testing import SERVERS

    given = getattr(pytestconfig, "workerinput", {}).get("seamark")
    return Addresses.from_json(given) if given else pytestconfig.stash[SERVERS].start()


@pytest.fixture(scope="session")
async def environment(servers: Addresses, worker_number: int) -> dict[str, str]:
    """The ``SM_`` variables of this worker's application; set, so that processes which a test starts have them too."""
    from host.testing.databases import create_database
    from host.testing.pgbouncer import limit_role

    name = f"seamark_test_{worker_number}"
    os.environ["SM_DATABASE_URL"] = direct = await create_database(servers, name, template=servers.template)
    if servers.pooled:
        await limit_role(servers.superuser.format(database=name), name)
        os.environ["SM_DATABASE_URL"] = servers.pooled.format(database=name)
        os.environ |= {"SM_DATABASE_DIRECT_URL": direct, "SM_DATABASE_PGBOUNCER": "true"}
    os.environ["SM_REDIS_URL"] = f"{servers.redis}/{worker_number}"
    return {name: value for name, value in os.environ.items() if name.startswith("SM_")}


@pytest.fixture(scope="session")
def worker_number() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
async def make_settings(environment: dict[str, str]) -> "Callable[..., Settings]":
    """``make_settings(max_body=10)``: this worker's settings, some of them changed."""
    from framework.settings import Settings

    def make(**changes: Any) -> Settings:
        return Settings(**changes)

    return make


@pytest.fixture(scope="session")
def settings(make_settings: "Callable[..., Settings]") -> "Settings":
    return make_settings()


class LifespanError(Exception):
    """The application did not start or stop; the message is what a server would print."""


@asynccontextmanager
async def running(app: "FastAPI") -> "AsyncIterator[FastAPI]":
    """Start ``app`` as a server would, and stop it. Raises ``LifespanError``."""
    # In a task of its own: a lifespan may hold a task group, which must be left in the task that entered it.
    to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    lifespan = asyncio.create_task(app(scope, to_app.get, from_app.put))

    async def complete(phase: str) -> None:
        await to_app.put({"type": f"lifespan.{phase}"})
        answering = asyncio.create_task(from_app.get())
        await asyncio.wait({answering, lifespan}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answer = answering.result()
        else:
            answering.cancel()
            await lifespan
            answer = {"type": "", "message": f"{phase}: the application ended without an answer"}
        if answer["type"] != f"lifespan.{phase}.complete":
            raise LifespanError(answer.get("message", ""))

    await complete("startup")
    try:
        yield app
    finally:
        await complete("shutdown")
        await lifespan


@pytest.fixture(scope="session")
async def running_app(environment: dict[str, str]) -> "AsyncIterator[FastAPI]":
    from host.boot import create_app

    async with running(create_app()) as app:
        yield app


@pytest.fixture(scope="session")
async def cleaner(servers: Addresses, environment: dict[str, str]) -> "AsyncIterator[Cleaner]":
    from host.testing.databases import Cleaner

    name = environment["SM_DATABASE_URL"].rpartition("/")[2]
    cleaner = await Cleaner.connect(servers.superuser.format(database=name))
    yield cleaner
    await cleaner.close()


@pytest.fixture(scope="session")
async def patient_redis(environment: dict[str, str]) -> "AsyncIterator[Redis]":
    """The application's own client gives up after 100 ms, which a busy machine may take to answer."""
    from redis.asyncio import Redis

    async with Redis.from_url(environment["SM_REDIS_URL"]) as redis:
        yield redis


@pytest.fixture
async def clean(cleaner: "Cleaner", patient_redis: "Redis", running_app: "FastAPI") -> None:
    """Postgres and Redis as the migrations left them. Before a test, so that what a failed one wrote can be looked at."""
    await cleaner.clean()
    await patient_redis.flushdb()


@pytest.fixture
def app(running_app: "FastAPI", clean: None) -> "FastAPI":
    """The whole application with the production middleware, started once a worker."""
    return running_app


@pytest.fixture
def application(app: "FastAPI") -> "Application":
    return cast("Application", app.state.application)


@pytest.fixture
def database(application: "Application") -> "Database":
    return application.database


@pytest.fixture
async def session(database: "Database") -> "AsyncIterator[AsyncSession]":
    """A unit of work of the test's own. The application sees what the test commits: ``await session.commit()``."""
    async with database.unit_of_work() as session:
        yield session
        await session.rollback()


@pytest.fixture
async def client(app: "FastAPI", settings: "Settings") -> "AsyncIterator[httpx.AsyncClient]":
    """Nobody is signed in. Answers come whole; for streams and connections that break, ``live_client``."""
    import httpx

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
async def live_client(live_url: str, clean: None) -> "AsyncIterator[httpx.AsyncClient]":
    """The same application over a real connection, served by uvicorn in this process."""
    import httpx

    async with httpx.AsyncClient(base_url=live_url) as client:
        yield client


@pytest.fixture(scope="session")
async def live_url(running_app: "FastAPI") -> AsyncIterator[str]:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(running_app, lifespan="off", log_config=None))
    server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]  # Ctrl-C is pytest's
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
def run_tasks(application: "Application") -> "Callable[[], Awaitable[list[tuple[str, Result]]]]":
    """``await run_tasks()``: every task that is due, and those they enqueue, by the real runner in this process."""
    from framework.tasks.testing import run_due_tasks

    return lambda: run_due_tasks(application)


@pytest.fixture
async def service(application: "Application") -> "AsyncIterator[Service]":
    """A service that the application may call at ``service.url``: ``answers`` is what it says, ``asked`` what it was asked."""
    from framework.outgoing.testing import allowing

    from host.testing.service import Service

    async with Service() as service, allowing(application, service.address):
        yield service


@pytest.fixture(scope="session")
async def scratch_database(servers: Addresses, worker_number: int) -> str:
    from host.testing.databases import create_database

    return await create_database(servers, f"seamark_scratch_{worker_number}")


@pytest.fixture
async def empty_database(servers: Addresses, scratch_database: str) -> str:
    """The address of a database without any revision, for tests of migrations."""
    from host.testing.databases import empty

    await empty(servers, scratch_database.rpartition("/")[2])
    return scratch_database
