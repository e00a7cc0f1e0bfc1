"""Requests that another site's page started are refused, by what browsers say of themselves; no path is exempt."""

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from framework.policies import policy, public
from framework.routing import Router

OURS = "https://seamark.test"
ORIGINS = (None, OURS, "https://second.test:8443", "https://evil.test", "https://sub.seamark.test", "null")
SITES = (None, "same-origin", "same-site", "cross-site", "none")

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Handshake = Callable[..., Awaitable[list[dict[str, Any]]]]


def router() -> Router:
    things = Router("things")

    @policy(public)
    async def touch() -> str:
        return "touched"

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        things.add_api_route("", touch, methods=[method])

    @things.websocket("/live")
    @policy(public)
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    return things


@pytest.fixture
def app(build: Build) -> FastAPI:
    return build(router(), public_url=OURS, extra_origins="https://second.test:8443")


@pytest.fixture
def client(app: FastAPI, browse: Browse) -> httpx.AsyncClient:
    return browse(app)


def told(site: str | None, origin: str | None) -> dict[str, str]:
    return {name: value for name, value in (("sec-fetch-site", site), ("origin", origin)) if value is not None}


def passes(site: str | None, origin: str | None) -> bool:
    """The rule, once more in other words than the code's."""
    if origin in (OURS, "https://second.test:8443"):
        return True
    return origin is None and site in (None, "same-origin", "none")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_whole_matrix_of_unsafe_requests(client: httpx.AsyncClient, method: str) -> None:
    for site, origin in product(SITES, ORIGINS):
        answer = await client.request(method, "/api/things", headers=told(site, origin))
        assert answer.status_code == (200 if passes(site, origin) else 403), (site, origin)
        if answer.status_code == 403:
            assert answer.json()["code"] in ("csrf.cross_origin", "csrf.unknown_origin")


async def test_safe_requests_pass_from_anywhere(client: httpx.AsyncClient) -> None:
    for method, site, origin in product(("GET", "HEAD"), SITES, ORIGINS):
        answer = await client.request(method, "/api/things", headers=told(site, origin))
        assert answer.status_code == 200, (method, site, origin)


LOOKALIKES = [
    "http://seamark.test",
    "https://seamark.test:444",
    "https://seamark.test:443",  # browsers leave a default port out
    "https://seamark.test.evil.test",
    "https://seamark.test@evil.test",
    "https://evil.test/https://seamark.test",
    "https://evil.test#https://seamark.test",
    "https://xseamark.test",
    "https://seamark.tes",
    "https://seamark.test/",
    "https://seamark.test, https://seamark.test",
    " https://evil.test",
    "seamark.test",
    "//seamark.test",
    "null",
    "",
    "*",
    "file://",
]


async def test_nothing_but_the_exact_origin_is_ours(client: httpx.AsyncClient) -> None:
    for origin in LOOKALIKES:
        answer = await client.post("/api/things", headers={"origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf.cross_origin"), origin


async def test_an_origin_is_compared_without_case(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/things", headers={"origin": "HTTPS://Seamark.TEST"})
    assert answer.status_code == 200


async def test_an_address_that_the_settings_do_not_know_is_explained(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/things", headers=told("same-origin", "http://127.0.0.1:8000"))
    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf.unknown_origin"
    assert "http://127.0.0.1:8000 is not an address of this application" in answer.json()["detail"]
    assert "SM_PUBLIC_URL" in answer.json()["detail"]


async def test_neither_an_unknown_address_nor_an_unknown_method_is_a_way_around(client: httpx.AsyncClient) -> None:
    for method in ("POST", "DELETE", "PROPFIND", "post", "TRACE", "CONNECT"):
        answer = await client.request(method, "/api/nothing", headers=told("cross-site", "https://evil.test"))
        assert answer.status_code == 403, method


async def test_a_method_override_makes_no_get_unsafe(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/things?_method=DELETE", headers={"x-http-method-override": "DELETE", **told("cross-site", "https://evil.test")})  # fmt: skip
    assert answer.json() == "touched"


class TestWebSockets:
    """A browser sends cookies with a handshake whatever page asks for it, and no same-origin rule holds."""

    COOKIE = "__Host-seamark=something"

    @pytest.mark.parametrize("origin", ["https://evil.test", "https://sub.seamark.test", "null", "http://seamark.test"])
    async def test_a_handshake_with_our_cookie_from_elsewhere_is_refused(
        self, app: FastAPI, handshake: Handshake, origin: str
    ) -> None:
        sent = await handshake(app, "/api/things/live", {"cookie": self.COOKIE, "origin": origin})
        assert sent[0]["type"] == "websocket.http.response.start"
        assert sent[0]["status"] == 403
        assert b'"code":"csrf.cross_origin"' in sent[1]["body"]

    async def test_a_cookie_among_several_fields_is_seen(self, app: FastAPI, handshake: Handshake) -> None:
        headers = {"cookie": f"a=1; b=2; {self.COOKIE}", "origin": "https://evil.test"}
        assert (await handshake(app, "/api/things/live", headers))[0]["status"] == 403

    async def test_our_own_page_may_connect(self, app: FastAPI, handshake: Handshake) -> None:
        sent = await handshake(app, "/api/things/live", {"cookie": self.COOKIE, "origin": OURS})
        assert sent[0]["type"] == "websocket.accept"

    async def test_without_our_cookie_anybody_may_connect(self, app: FastAPI, handshake: Handshake) -> None:
        sent = await handshake(app, "/api/things/live", {"cookie": "theirs=1", "origin": "https://evil.test"})
        assert sent[0]["type"] == "websocket.accept"

    async def test_an_unknown_socket_is_a_404_that_refuses_the_handshake(
        self, app: FastAPI, handshake: Handshake
    ) -> None:
        sent = await handshake(app, "/api/things/nothing", {"origin": OURS})
        assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 404)
