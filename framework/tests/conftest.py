"""Small applications on the production layers, and throw-away modules that are really installed."""

import asyncio
import importlib
import logging
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from framework.application import Application, connect
from framework.asgi import assemble
from framework.logging import configure
from framework.module import Module
from framework.policies import policy, public
from framework.principal import Authentication
from framework.rate_limits import RateLimit
from framework.routing import Dispatcher, Router
from framework.settings import Settings
from host.testing.databases import create_database, drop_database
from host.testing.pgbouncer import limit_role
from host.testing.servers import Addresses
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route
from structlog.testing import LogCapture

# A machine that is busy with other tests is no reason to fail.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# Nothing listens there: most of these tests are about what happens before a database is needed.
NOWHERE = {
    "environment": "test",
    "secret_key": "a key that signs what the tests look at",
    "public_url": "https://seamark.test",
    "database_url": "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere",
    "redis_url": "redis://127.0.0.1:1/0",
    # Nor is a Redis needed to count for a test that is not about limits.
    "rate_limits": "seamark.address=off; seamark.principal=off",
}


@pytest.fixture(scope="session", autouse=True)
def logging_configured() -> None:
    configure("console", "warning", "tests")


@asynccontextmanager
async def never_started(_: object) -> AsyncIterator[None]:
    yield


@policy(public)
async def not_found_page(_: Request) -> HTMLResponse:
    return HTMLResponse("<h1>Not here</h1>", 404)


def module_of(router: Router, limits: Sequence[RateLimit]) -> Module:
    name = str(router.tags[0])
    own = tuple(rule for rule in limits if rule.name.startswith(f"{name}."))
    return Module(name=name, label="A module", router=router, rate_limits=own)


@pytest.fixture
async def build() -> AsyncIterator[Callable[..., FastAPI]]:
    """``build(router, max_body=10)``: these routes behind the production layers; settings as given, the others harmless."""
    async with AsyncExitStack() as stack:

        def build(
            *routers: Router,
            routes: Sequence[BaseRoute] = (),
            authentication: Authentication | None = None,
            limits: Sequence[RateLimit] = (),
            **settings: Any,
        ) -> FastAPI:
            modules = [module_of(router, limits) for router in routers]
            if authentication is not None:
                modules.append(Module(name="people", label="People", authentication=authentication))
            application = connect(Settings(**NOWHERE | settings), tuple(modules), "test")
            stack.push_async_callback(application.close)
            every = [*routes, *(route for router in routers for route in router.routes)]
            return assemble(application, Dispatcher(every, never_started, Route("/{path:path}", not_found_page)))

        yield build


@pytest.fixture
def application_of() -> Callable[[FastAPI], Application]:
    def application_of(app: FastAPI) -> Application:
        application = app.state.application
        assert isinstance(application, Application)
        return application

    return application_of


@pytest.fixture
async def browse() -> AsyncIterator[Callable[[FastAPI], httpx.AsyncClient]]:
    """``browse(app)``: a client that gets every answer, 500s included, as a server would send it."""
    async with AsyncExitStack() as stack:

        def browse(app: FastAPI) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="https://seamark.test")
            stack.push_async_callback(client.aclose)
            return client

        yield browse


@pytest.fixture(scope="session")
async def scratch_url(servers: Addresses, worker_number: int, environment: dict[str, str]) -> AsyncIterator[str]:
    """A database of its own with a table ``thing``, reached as the application reaches its own."""
    name = f"seamark_scratch_{worker_number}"
    url = await create_database(servers, name)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(
        "CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)"
    )
    await connection.close()
    if servers.pooled:
        await limit_role(servers.superuser.format(database=name), name)
    yield (servers.pooled or servers.postgres).format(database=name)
    await drop_database(servers, name)


@pytest.fixture
async def witness(servers: Addresses, scratch_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Another connection to it: sees what was committed and ends the connections of others."""
    direct = servers.postgres.format(database=scratch_url.rpartition("/")[2])
    connection = await asyncpg.connect(direct.replace("+asyncpg", ""))
    await connection.execute("TRUNCATE thing")
    yield connection
    await connection.close()


@pytest.fixture
def handshake() -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """``await handshake(app, path, {"origin": …})``: what the server is told to answer to a WebSocket's opening request."""

    async def handshake(app: FastAPI, path: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "wss",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        incoming: Iterator[dict[str, Any]] = iter(
            [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
        )

        async def receive() -> dict[str, Any]:
            return next(incoming)

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        return sent

    return handshake


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile, before it is rendered."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    yield capture.entries
    structlog.configure(**before)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """``install("alpha", "module = …")``: a distribution as pip leaves it, with the package, its entry point and its RECORD.

    ``Module`` and what a manifest needs is imported already. The folder is first on ``sys.path`` until the test ends.
    """
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def install(
        name: str, manifest: str, *, distribution: str = "", entry: str = "", package: str = "", **files: str
    ) -> Path:
        package = package or name
        distribution = distribution or f"seamark-{name.replace('_', '-')}"
        sources = {
            "__init__.py": "",
            "module.py": IMPORTS + dedent(manifest),
            **{f"{file}.py": dedent(text) for file, text in files.items()},
        }
        written = {f"{package}/{file}": text for file, text in sources.items()}
        info = f"{distribution.replace('-', '_')}-1.0.dist-info"
        written[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        written[f"{info}/entry_points.txt"] = f"[seamark.modules]\n{name} = {entry or f'{package}.module:module'}\n"
        record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in written.items()]
        written[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"])
        for path, text in written.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        importlib.invalidate_caches()
        return tmp_path

    yield install
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


IMPORTS = """\
from framework.checks import Check
from framework.health import HealthCheck
from framework.logging import configure
from framework.module import Module, Navigation, Permission
from framework.policies import optional, policy, public, require, signed_in
from framework.rate_limits import RateLimit
from framework.request_session import Session
from framework.routing import Router
from framework.settings import ModuleSettings
from framework.tasks import Schedule, task
from pydantic_settings import SettingsConfigDict

"""


def _digest(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """``await wait_until(lambda: …)``: when the condition holds; fails after five seconds."""

    async def wait_until(condition: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - a condition of any kind, such as a row in a database
                await asyncio.sleep(0.005)

    return wait_until
