"""Every answer carries them, whatever made it: a route, a refusal, a bug, a file (ASVS 3.4)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.policies import policy, public, signed_in
from framework.routing import Router
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


def routes(file: Path) -> tuple[Router, list[Route]]:
    things = Router("things")

    @things.get("")
    @policy(public)
    async def fine() -> str:
        return "fine"

    @things.get("/private")
    @policy(signed_in)
    async def private() -> str:
        return "private"

    @things.get("/bug")
    @policy(public)
    async def bug() -> None:
        raise RuntimeError

    @things.post("")
    @policy(public)
    async def add(count: int) -> None: ...

    @policy(public)
    async def serve(_: Request) -> FileResponse:
        return FileResponse(file, headers={"cache-control": "public, max-age=60"})

    @policy(public)
    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<p>", headers={"content-security-policy": "default-src 'self'"})

    return things, [Route("/build/file.txt", serve), Route("/page", page)]


@pytest.fixture
def app(build: Build, tmp_path: Path) -> FastAPI:
    (tmp_path / "file.txt").write_text("a file")
    things, others = routes(tmp_path / "file.txt")
    return build(things, routes=others, max_body=10)


ANSWERS: list[tuple[str, str, int, dict[str, Any]]] = [
    ("GET", "/api/things", 200, {}),
    ("HEAD", "/api/things", 200, {}),
    ("GET", "/page", 200, {}),
    ("GET", "/build/file.txt", 200, {}),
    ("GET", "/build/file.txt", 206, {"headers": {"range": "bytes=0-1"}}),
    ("GET", "/api/things/private", 401, {}),
    ("POST", "/api/things?count=1", 403, {"headers": {"origin": "https://evil.test"}}),
    ("GET", "/api/nothing", 404, {}),
    ("GET", "/nowhere", 404, {}),
    ("DELETE", "/api/things", 405, {}),
    ("POST", "/api/things?count=1", 413, {"content": b"x" * 20}),
    ("POST", "/api/things?count=x", 422, {}),
    ("GET", "/api/things/bug", 500, {}),
]


async def test_every_answer_of_every_status_carries_all_of_them_once(app: FastAPI, browse: Browse) -> None:
    client = browse(app)
    for method, path, status, more in ANSWERS:
        answer = await client.request(method, path, **more)
        assert answer.status_code == status, (method, path)
        for name, value in {
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "strict-transport-security": "max-age=31536000; includeSubDomains",
        }.items():
            assert answer.headers.get_list(name) == [value], (status, name)
        assert len(answer.headers.get_list("content-security-policy")) == 1, status
        assert len(answer.headers.get_list("cache-control")) == 1, status


async def test_the_api_is_never_cached_and_never_a_page(app: FastAPI, browse: Browse) -> None:
    answer = await browse(app).get("/api/things")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_route_may_set_its_own_policy_and_caching(app: FastAPI, browse: Browse) -> None:
    client = browse(app)
    assert (await client.get("/page")).headers["content-security-policy"] == "default-src 'self'"
    assert (await client.get("/build/file.txt")).headers["cache-control"] == "public, max-age=60"


async def test_plain_http_promises_no_tls(build: Build, browse: Browse) -> None:
    things, _ = routes(Path())
    answer = await browse(build(things, public_url="http://localhost:8000")).get("/api/things")
    assert "strict-transport-security" not in answer.headers


async def test_no_answer_opens_itself_to_other_origins(app: FastAPI, browse: Browse) -> None:
    client = browse(app)
    headers = {"origin": "https://evil.test", "access-control-request-method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = await client.request(method, "/api/things", headers=headers)
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_a_refused_handshake_carries_them_too(
    app: FastAPI, handshake: Callable[..., Awaitable[list[dict[str, Any]]]]
) -> None:
    refusal, _ = await handshake(app, "/api/things/live")
    assert (b"x-content-type-options", b"nosniff") in refusal["headers"]
