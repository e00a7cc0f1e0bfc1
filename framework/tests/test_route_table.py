"""A request's route is found by its path's first segments, whatever the number of modules; nothing is served by chance."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from framework.findings import BootError
from framework.policies import policy, public
from framework.routing import Router, RouteTable, operation_id
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


def handler(name: str) -> Callable[..., Any]:
    @policy(public)
    async def handle(_: object) -> HTMLResponse:
        return HTMLResponse(name)

    handle.__qualname__ = name
    return handle


def route(path: str, *methods: str, name: str = "handle") -> Route:
    return Route(path, handler(name), methods=list(methods) or None)


def module_routes(name: str) -> list[BaseRoute]:
    return [
        route(f"/api/{name}", "GET"),
        route(f"/api/{name}", "POST"),
        route(f"/api/{name}/imports", "POST"),
        route(f"/api/{name}/{{id}}", "GET"),
        route(f"/api/{name}/{{id}}", "PATCH", "DELETE"),
        route(f"/api/{name}/{{id}}/restore", "POST"),
        route(f"/{name}"),
        route(f"/{name}/new"),
        route(f"/{name}/{{id}}"),
    ]


MISSING = route("/{path:path}", name="missing")
TABLE = RouteTable([*module_routes("contacts"), *module_routes("notes"), route("/build/{path:path}")], MISSING)


@pytest.mark.parametrize(
    ("method", "path", "template", "params"),
    [
        ("GET", "/api/contacts", "/api/contacts", {}),
        ("POST", "/api/contacts", "/api/contacts", {}),
        ("GET", "/api/contacts/7", "/api/contacts/{id}", {"id": "7"}),
        ("DELETE", "/api/contacts/7", "/api/contacts/{id}", {"id": "7"}),
        ("POST", "/api/contacts/7/restore", "/api/contacts/{id}/restore", {"id": "7"}),
        ("GET", "/contacts", "/contacts", {}),
        ("GET", "/contacts/7", "/contacts/{id}", {"id": "7"}),
        ("GET", "/build/assets/a.js", "/build/{path:path}", {"path": "assets/a.js"}),
        ("GET", "/api/contacts/a b%", "/api/contacts/{id}", {"id": "a b%"}),
    ],
)
def test_paths_with_and_without_placeholders(method: str, path: str, template: str, params: dict[str, str]) -> None:
    match = TABLE.find(method, path)
    assert (match.template, match.path_params or {}) == (template, params)
    assert match.policy is not None


def test_a_number_that_is_too_long_to_read_names_nothing() -> None:
    table = RouteTable([route("/api/contacts/{id:int}")])
    assert table.find("GET", "/api/contacts/7").path_params == {"id": 7}
    assert table.find("GET", f"/api/contacts/{'7' * 5000}").route is None


def test_a_fixed_path_comes_before_a_placeholder_in_whatever_order_they_were_declared() -> None:
    table = RouteTable([route("/contacts/{id}"), route("/contacts/new")])
    assert table.find("GET", "/contacts/new").template == "/contacts/new"


def test_head_is_answered_by_gets_route() -> None:
    assert TABLE.find("HEAD", "/api/contacts/7").route is TABLE.find("GET", "/api/contacts/7").route


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/contacts", ("GET", "HEAD", "POST")),
        ("PUT", "/api/contacts/7", ("DELETE", "GET", "HEAD", "PATCH")),
        ("GET", "/api/contacts/7/restore", ("POST",)),
        ("OPTIONS", "/contacts", ("GET", "HEAD")),
        ("DELETE", "/contacts/7", ("GET", "HEAD")),
        # A fixed path and a placeholder meet here.
        ("PUT", "/api/contacts/imports", ("DELETE", "GET", "HEAD", "PATCH", "POST")),
    ],
)
def test_with_the_wrong_method_the_right_ones_are_told(method: str, path: str, allowed: tuple[str, ...]) -> None:
    match = TABLE.find(method, path)
    assert (match.route, match.allowed) == (None, allowed)


@pytest.mark.parametrize(
    "path",
    [
        "/api/contacts/", "/api/contacts/7/", "/api/contacts//7", "//api/contacts", "/api/contacts/7/restore\n",
        "/api/CONTACTS", "/API/contacts", "/api", "/api/", "/api/other", "/api/contacts/../notes", "/api/contacts/7/other",
        "/api/contacts\x00", "/.", "", "contacts",
    ],
)  # fmt: skip
def test_nothing_is_rounded_to_a_route(path: str) -> None:
    assert TABLE.find("GET", path).route in (None, MISSING)
    assert TABLE.find("POST", path).route is None


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/contacts/7/other",
        "/api/other",
        "/admin/health/",
        "/admin/health/x",
        "/admin/metrics/",
        "/health/",
        "/build",
        "/build/",
    ],
)
def test_programs_are_never_answered_by_a_page(path: str) -> None:
    assert TABLE.find("GET", path).route is not MISSING


@pytest.mark.parametrize("path", ["/", "/nowhere", "/apis", "/contacts/7/other", "/healthy", "/administration/health"])
def test_people_get_the_not_found_page(path: str) -> None:
    assert TABLE.find("GET", path).route is MISSING
    assert TABLE.find("HEAD", path).route is MISSING
    assert TABLE.find("POST", path).route is None


@given(st.text())
def test_no_path_breaks_the_table(path: str) -> None:
    for method in ("GET", "POST", "WEBSOCKET", "BREW"):
        assert TABLE.find(method, path) is not None


def test_placeholders_are_converted_as_declared() -> None:
    table = RouteTable([route("/api/things/{number:int}")])
    assert table.find("GET", "/api/things/7").path_params == {"number": 7}
    assert table.find("GET", "/api/things/seven").route is None


class Counting:
    """Stands in for the regular expression of a route."""

    tried = 0

    def __init__(self, expression: Any) -> None:
        self.expression = expression

    def fullmatch(self, path: str) -> Any:
        Counting.tried += 1
        return self.expression.fullmatch(path)


def test_a_request_costs_the_same_with_one_module_as_with_a_hundred() -> None:
    def patterns_tried(modules: int, path: str) -> int:
        routes = [found for number in range(modules) for found in module_routes(f"module{number}")]
        for found in routes:
            found.path_regex = Counting(found.path_regex)  # type: ignore[attr-defined]
        table = RouteTable(routes)
        Counting.tried = 0
        assert table.find("GET", path).route is not None
        return Counting.tried

    assert patterns_tried(100, "/api/module99") == 0
    for path in ("/api/module0/7", "/module0/7"):
        assert patterns_tried(100, path) == patterns_tried(1, path)
    assert patterns_tried(100, "/api/module99/7") == patterns_tried(1, "/api/module0/7")


class TestWhatIsRefused:
    def test_two_routes_for_one_method_and_path(self) -> None:
        with pytest.raises(BootError) as refused:
            RouteTable([route("/admin/health", name="first"), route("/admin/health", "GET", name="second")])
        assert "SM006 GET /admin/health is answered by test_route_table.first and by" in str(refused.value).replace(
            __name__, "test_route_table"
        )

    def test_two_placeholders_of_different_names(self) -> None:
        with pytest.raises(BootError, match="SM006"):
            RouteTable([route("/api/a/{id}", "GET"), route("/api/a/{name}", "GET")])

    def test_but_not_two_methods_of_one_path(self) -> None:
        RouteTable([route("/api/a/{id}", "PUT"), route("/api/a/{name}", "DELETE")])

    def test_a_route_without_a_policy_even_of_the_host(self) -> None:
        async def open_door(_: object) -> None: ...

        with pytest.raises(BootError, match=r"SM008 .*open_door declares no policy"):
            RouteTable([Route("/open", open_door)])

    def test_something_that_is_no_route(self) -> None:
        with pytest.raises(TypeError, match="neither an HTTP nor a WebSocket route"):
            RouteTable([Mount("/files", routes=[])])


async def test_a_websocket_and_a_page_may_share_a_path(build: Build, handshake: Callable[..., Any]) -> None:
    things = Router("things")

    @things.websocket("/{id}")
    @policy(public)
    async def live(socket: WebSocket, id: int) -> None:  # noqa: A002 - the name in the path
        await socket.accept(subprotocol=f"number-{id}")

    @things.get("/{id}")
    @policy(public)
    async def page(id: int) -> int:  # noqa: A002
        return id

    sent = await handshake(build(things), "/api/things/7")
    assert sent[0]["subprotocol"] == "number-7"


def test_operations_are_named_for_the_generated_client() -> None:
    things = Router("things")

    @things.get("")
    async def list_things() -> None: ...

    assert [operation_id(found) for found in things.routes] == ["things.list_things"]  # type: ignore[arg-type]


async def test_over_the_whole_stack_too(build: Build, browse: Browse) -> None:
    client = browse(build(routes=module_routes("contacts")))
    assert (await client.get("/contacts/new")).text == "handle"
    assert (await client.get("/nowhere")).text == "<h1>Not here</h1>"
    assert (await client.get("/api/contacts/7/other")).headers["content-type"] == "application/problem+json"
    assert (await client.get("/api/contacts/7%0A/restore")).status_code == 405
