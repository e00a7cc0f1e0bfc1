"""Applications with other settings than the suite's, and the command line."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from framework.settings import Settings
from host.boot import create_app
from structlog.testing import LogCapture

from host import shell


@pytest.fixture
async def make_app(make_settings: Callable[..., Settings]) -> AsyncIterator[Callable[..., FastAPI]]:
    """``make_app(modules_enabled=("users",))``: the whole application, not started, with some settings changed."""
    async with AsyncExitStack() as stack:

        def make(**changes: Any) -> FastAPI:
            app = create_app(make_settings(**changes))
            stack.push_async_callback(app.state.application.close)
            return app

        yield make


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


@pytest.fixture
def ask() -> Callable[..., Awaitable[httpx.Response]]:
    """``await ask(app, "/a/../b")``: a GET of exactly this path, decoded as servers do; no client puts it in order first."""

    async def ask(app: FastAPI, path: str) -> httpx.Response:
        sent: list[Any] = []
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)

    return ask


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of the built browser application."""
    monkeypatch.setattr(shell, "DIST", tmp_path)
    monkeypatch.setattr(shell, "MANIFEST", tmp_path / ".vite" / "manifest.json")
    shell.built_assets.cache_clear()
    yield tmp_path
    shell.built_assets.cache_clear()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile, before it is rendered."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    yield capture.entries
    structlog.configure(**before)
