"""What holds for each route of the whole application, whichever module it comes from; new routes are held to it as well."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.middleware import stack
from framework.policies import Audience, RoutePolicy, policy_of
from framework.routing import Endpoint, RouteTable, methods_of
from host.inspection import write_openapi

type Handshake = Callable[..., Awaitable[list[dict[str, Any]]]]

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
ID = "01900000-0000-7000-8000-000000000000"
EVIL = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}


def every(app: FastAPI) -> Iterator[tuple[str, str, RoutePolicy]]:
    """Method, a path and the policy of every HTTP route."""
    for route in app.router.routes:
        assert isinstance(route, Endpoint)
        policy = policy_of(route.endpoint)
        assert policy is not None
        path = "/".join(ID if part.startswith("{") else part for part in route.path.split("/"))
        for method in methods_of(route) - {"WEBSOCKET"}:
            yield method, path, policy


async def test_every_route_has_a_policy(app: FastAPI) -> None:
    assert len(list(every(app))) > 40


async def test_no_unsafe_request_of_another_site_gets_through(app: FastAPI, client: httpx.AsyncClient) -> None:
    asked = 0
    for method, path, _ in every(app):
        if method in UNSAFE:
            for headers in (
                EVIL,
                {"origin": "https://sub.seamark.test"},
                {"origin": "null"},
                {"sec-fetch-site": "same-site"},
            ):
                answer = await client.request(method, path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "csrf.cross_origin"), (
                    method,
                    path,
                    headers,
                )
            asked += 1
    assert asked > 10


async def test_nobody_gets_past_a_policy_that_wants_somebody(app: FastAPI, client: httpx.AsyncClient) -> None:
    for method, path, policy in every(app):
        if policy.access.audience is Audience.SIGNED_IN:
            answer = await client.request(method, path)
            assert answer.status_code == 401, (method, path)


async def test_nobody_without_the_permission_gets_past_a_policy_that_wants_one(
    app: FastAPI, signed_in_client: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    client = await signed_in_client()
    for method, path, policy in every(app):
        if policy.access.permission is not None:
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden"), (method, path)


async def test_whoever_asks_nothing_is_a_bug_and_every_answer_carries_the_headers(
    app: FastAPI, client: httpx.AsyncClient, signed_in_client: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    administrator = await signed_in_client(administrator=True)
    for method, path, _ in every(app):
        if path.endswith("/events") or path == "/api/users/sign-out":
            continue
        for who in (client, administrator):
            answer = await who.request(method, path)
            assert answer.status_code != 500, (method, path, answer.text)
            assert answer.headers["x-content-type-options"] == "nosniff", (method, path)
            assert "content-security-policy" in answer.headers, (method, path)
            assert len(answer.headers["x-correlation-id"]) >= 8, (method, path)
            if path.startswith("/api/") and path != "/api/docs":
                assert not answer.headers.get("content-type", "").startswith("text/html"), (method, path)


async def test_every_cookie_that_any_route_sets_has_all_attributes(
    app: FastAPI, signed_in_client: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    administrator = await signed_in_client(administrator=True)
    cookies = []
    for method, path, _ in every(app):
        if not path.endswith("/events"):
            cookies += (await administrator.request(method, path)).headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)
        assert "domain" not in cookie.lower()


async def test_the_layers_are_all_there_and_in_their_order(application: Application) -> None:
    names = [layer.cls.__name__ for layer in stack(application, RouteTable([]))]  # type: ignore[attr-defined]
    assert names == [
        "Draining",
        "CorrelationIdMiddleware",
        "RouteLookup",
        "RequestMetrics",
        "LoadShedding",
        "AccessLog",
        "SecurityHeaders",
        "Errors",
        "HeadLimit",
        "Deadline",
        "BodyLimit",
        "CrossOriginProtection",
        "BodyDigest",
        "RetryLostConnections",
        "SessionAuthentication",
        "RateLimits",
        "Authorization",
    ]


async def test_the_description_of_the_api_is_public_and_what_the_command_writes(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.get("/api/openapi.json")
    assert write_openapi(str(tmp_path / "api.json"), check=False) == 0
    assert answer.json() == httpx.Response(200, content=(tmp_path / "api.json").read_bytes()).json()
    assert (await client.get("/api/openapi.json")).content == answer.content


@pytest.mark.parametrize(
    ("name", "status"), [("development", 200), ("test", 200), ("production", 404), ("staging", 404)]
)
async def test_its_documentation_page_is_not_for_production(
    make_app: Callable[..., FastAPI], browse: Callable[[FastAPI], httpx.AsyncClient], name: str, status: int
) -> None:
    answer = await browse(make_app(environment=name)).get("/api/docs")
    assert answer.status_code == status
    assert answer.headers["content-type"] == (
        "text/html; charset=utf-8" if status == 200 else "application/problem+json"
    )
