"""One line a request, with what operators ask for and nothing that people typed or carry."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.policies import policy, public
from framework.routing import Router
from starlette.responses import PlainTextResponse
from starlette.routing import Route

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


@policy(public)
async def alive(_: object) -> PlainTextResponse:
    return PlainTextResponse("ok")


@pytest.fixture
def client(build: Build, browse: Browse) -> httpx.AsyncClient:
    things = Router("things")

    @things.get("/{id}")
    @policy(public)
    async def get_thing(id: int) -> int:  # noqa: A002 - the name in the path
        return id

    @things.post("")
    @policy(public)
    async def bug() -> None:
        raise RuntimeError("a bug")

    return browse(build(things, routes=[Route("/health", alive), Route("/health/ready", alive)]))


def requests(logged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in logged if line["event"] == "request"]


async def test_a_request_is_one_line(client: httpx.AsyncClient, logged: list[dict[str, Any]]) -> None:
    await client.get("/api/things/7")
    (line,) = logged
    assert {name: line[name] for name in ("method", "path", "route", "status", "client", "user")} == {
        "method": "GET", "path": "/api/things/7", "route": "/api/things/{id}", "status": 200, "client": "127.0.0.1", "user": None,
    }  # fmt: skip
    assert line["ms"] >= 0


async def test_neither_query_nor_cookies_nor_headers_are_in_it(
    client: httpx.AsyncClient, logged: list[dict[str, Any]]
) -> None:
    headers = {
        "cookie": "seamark=CANARY",
        "authorization": "CANARY",
        "referer": "https://CANARY.test",
        "user-agent": "CANARY",
    }
    await client.get("/api/things/7?q=CANARY&token=CANARY", headers=headers)
    await client.get("/api/things/x?q=CANARY", headers=headers)
    assert len(logged) == 2
    assert "CANARY" not in str(logged)


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_probes_are_quiet(client: httpx.AsyncClient, logged: list[dict[str, Any]], path: str) -> None:
    assert (await client.get(path)).status_code == 200
    assert logged == []


async def test_refusals_are_lines_as_well(client: httpx.AsyncClient, logged: list[dict[str, Any]]) -> None:
    asked = [
        ("GET", "/api/nothing", 404, ""),
        ("GET", "/nowhere", 404, "/{path:path}"),
        ("PUT", "/api/things/7", 405, ""),
        ("GET", "/api/things/seven", 422, "/api/things/{id}"),
        ("HEAD", "/api/things/7", 200, "/api/things/{id}"),
    ]
    for method, path, _, _ in asked:
        await client.request(method, path)
    assert [(line["method"], line["path"], line["status"], line["route"]) for line in logged] == asked


async def test_a_bug_is_a_500_in_it_beside_the_line_with_the_traceback(
    client: httpx.AsyncClient, logged: list[dict[str, Any]]
) -> None:
    await client.post("/api/things")
    assert [(line["event"], line["log_level"]) for line in logged] == [("request failed", "error"), ("request", "info")]
    assert requests(logged)[0]["status"] == 500
