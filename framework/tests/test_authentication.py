"""Every route is held to its policy; the principal is read once, by a checked cookie, and its connection given back."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.context import CurrentContext, CurrentPrincipal, OptionalPrincipal
from framework.policies import optional, policy, public, require, signed_in
from framework.principal import Authentication, Principal
from framework.routing import Router
from framework.sessions import SessionCookie, SessionToken

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]

ADA = Principal(
    UUID(int=1), UUID(int=2), "ada@example.com", "Ada", ("clerk",), frozenset({"things.view"}), datetime.now(UTC)
)


def router() -> Router:
    things = Router("things")

    @things.get("/public")
    @policy(public)
    async def for_anyone(principal: OptionalPrincipal) -> str | None:
        return principal.email if principal else None

    @things.get("/optional")
    @policy(optional)
    async def for_both(principal: OptionalPrincipal) -> str | None:
        return principal.email if principal else None

    @things.get("/signed-in")
    @policy(signed_in)
    async def for_people(principal: CurrentPrincipal) -> str:
        return principal.email

    @things.get("/unread")
    @policy(signed_in, unattended=True)
    async def for_pages(principal: CurrentPrincipal) -> str:
        return principal.email

    @things.get("/view")
    @policy(require("things.view"))
    async def for_viewers(principal: CurrentPrincipal) -> bool:
        return principal.may("things.view") and not principal.may("things.write")

    @things.post("/write")
    @policy(require("things.write"))
    async def for_writers() -> None:
        raise AssertionError("never gets here")

    @things.post("/sign-out")
    @policy(optional)
    async def sign_out(context: CurrentContext, application: None = None) -> None:
        context.set_cookie = "chosen=by-the-route"

    return things


class People:
    """Remembers what it was asked; the sessions it knows are given."""

    def __init__(self, **sessions: Principal) -> None:
        self.sessions = {SessionToken(value).digest: principal for value, principal in sessions.items()}
        self.asked: list[bytes] = []
        self.seen: list[Principal] = []

    async def load(self, _: Any, digest: bytes, __: Application) -> Principal | None:
        self.asked.append(digest)
        return self.sessions.get(digest)

    @property
    def authentication(self) -> Authentication:
        return Authentication(self.load, self.seen.append)


@pytest.fixture
def people() -> People:
    return People(adas_session=ADA)


@pytest.fixture
def app(build: Build, people: People, application_of: Callable[[FastAPI], Application]) -> FastAPI:
    app = build(
        router(), authentication=people.authentication, secret_key="the new key", secret_key_fallbacks="the old key"
    )

    @asynccontextmanager
    async def no_connection() -> Any:
        yield None

    application_of(app).database.driver_connection = no_connection  # type: ignore[method-assign]
    return app


@pytest.fixture
def client(app: FastAPI, browse: Browse) -> httpx.AsyncClient:
    return browse(app)


@pytest.fixture
def signed(app: FastAPI, application_of: Callable[[FastAPI], Application]) -> Callable[[str], dict[str, str]]:
    """The header that a browser sends with the session of this value."""
    cookie: SessionCookie = application_of(app).cookie
    return lambda value: {"cookie": cookie.write(SessionToken(value)).partition(";")[0]}


async def test_a_public_route_does_not_even_read_the_cookie(
    client: httpx.AsyncClient, people: People, signed: Any
) -> None:
    answer = await client.get("/api/things/public", headers=signed("adas_session"))
    assert (answer.status_code, answer.json(), people.asked) == (200, None, [])


async def test_an_optional_one_knows_who_is_signed_in(client: httpx.AsyncClient, signed: Any) -> None:
    assert (await client.get("/api/things/optional", headers=signed("adas_session"))).json() == "ada@example.com"
    assert (await client.get("/api/things/optional")).json() is None


@pytest.mark.parametrize("path", ["signed-in", "view"])
async def test_nobody_is_asked_to_sign_in(client: httpx.AsyncClient, people: People, path: str) -> None:
    answer = await client.get(f"/api/things/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.sign_in_required")
    assert people.asked == []


async def test_a_signed_in_person_passes_and_is_noted_as_seen(
    client: httpx.AsyncClient, people: People, signed: Any
) -> None:
    answer = await client.get("/api/things/signed-in", headers=signed("adas_session"))
    assert answer.json() == "ada@example.com"
    assert people.seen == [ADA]


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    client: httpx.AsyncClient, people: People, signed: Any
) -> None:
    answer = await client.get("/api/things/unread", headers=signed("adas_session"))

    assert (answer.status_code, answer.json()) == (200, "ada@example.com")
    assert people.seen == []
    assert (await client.get("/api/things/unread")).status_code == 401


async def test_with_the_permission_one_passes_without_it_one_is_told_which(
    client: httpx.AsyncClient, signed: Any
) -> None:
    assert (await client.get("/api/things/view", headers=signed("adas_session"))).json() is True
    answer = await client.post("/api/things/write", headers=signed("adas_session"))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    assert "things.write" in answer.json()["detail"]


async def test_a_session_that_ended_is_nobodys(client: httpx.AsyncClient, people: People, signed: Any) -> None:
    answer = await client.get("/api/things/signed-in", headers=signed("ended"))
    assert answer.status_code == 401
    assert len(people.asked) == 1
    assert people.seen == []


async def test_a_forged_cookie_never_reaches_the_database(
    client: httpx.AsyncClient, people: People, signed: Any
) -> None:
    header = signed("adas_session")["cookie"]
    for forged in (
        header[:-2],
        header + "x",
        header.replace("adas", "evas"),
        "__Host-seamark=1.a.b.c",
        "__Host-seamark=",
    ):
        answer = await client.get("/api/things/signed-in", headers={"cookie": forged})
        assert answer.status_code == 401, forged
    assert people.asked == []


async def test_the_database_is_asked_by_a_digest_of_the_session_id(
    client: httpx.AsyncClient, people: People, signed: Any
) -> None:
    await client.get("/api/things/signed-in", headers=signed("adas_session"))
    assert people.asked == [SessionToken("adas_session").digest]


async def test_cookies_in_several_fields_are_one_header(app: FastAPI, signed: Any) -> None:
    # As HTTP/2 may send them (RFC 9113, 8.2.3).
    sent: list[Any] = []
    headers = [(b"cookie", b"a=1"), (b"cookie", signed("adas_session")["cookie"].encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/things/signed-in", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200


async def test_a_cookie_that_an_earlier_key_signed_is_signed_anew(client: httpx.AsyncClient, build: Build, application_of: Any, signed: Any) -> None:  # fmt: skip
    old = application_of(build(secret_key="the old key")).cookie
    answer = await client.get(
        "/api/things/signed-in", headers={"cookie": old.write(SessionToken("adas_session")).partition(";")[0]}
    )
    assert answer.json() == "ada@example.com"
    assert answer.headers["set-cookie"].partition(";")[0] == signed("adas_session")["cookie"]
    again = await client.get("/api/things/signed-in", headers=signed("adas_session"))
    assert "set-cookie" not in again.headers


async def test_a_route_has_the_last_word_on_the_cookie(client: httpx.AsyncClient, signed: Any) -> None:
    answer = await client.post("/api/things/sign-out", headers=signed("adas_session"))
    assert answer.headers.get_list("set-cookie") == ["chosen=by-the-route"]


async def test_without_a_module_that_authenticates_nobody_is_signed_in(
    build: Build, browse: Browse, signed: Any
) -> None:
    client = browse(build(router()))
    assert (await client.get("/api/things/signed-in", headers=signed("adas_session"))).status_code == 401
    assert (await client.get("/api/things/optional", headers=signed("adas_session"))).json() is None


async def test_a_handshake_is_held_to_its_policy_too(build: Build, handshake: Any) -> None:
    things = Router("things")

    @things.websocket("/live")
    @policy(require("things.view"))
    async def live(socket: Any) -> None:
        raise AssertionError("never gets here")

    refusal, _ = await handshake(build(things), "/api/things/live")
    assert (refusal["type"], refusal["status"]) == ("websocket.http.response.start", 401)
