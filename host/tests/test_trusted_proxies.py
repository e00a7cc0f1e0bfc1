"""Whose requests these are, whatever server runs the application and whatever it listens at."""

import pytest
from host.trusted_proxies import TrustedProxies
from starlette.types import Message, Receive, Scope, Send

PROXY = ("10.0.0.1", 41_234)


async def seen(scope: Scope) -> Scope:
    """The scope as the application gets it."""
    got: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        got.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    await TrustedProxies(app, ["10.0.0.0/8"])(scope, receive, send)
    return got[0]


def request(client: tuple[str, int] | None, **headers: str) -> Scope:
    sent = [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": client, "headers": sent}


@pytest.mark.parametrize("peer", [PROXY, None], ids=["network", "Unix socket"])
async def test_a_proxy_tells_address_and_scheme(peer: tuple[str, int] | None) -> None:
    got = await seen(request(peer, **{"for": "203.0.113.9", "proto": "https"}))
    assert (got["client"], got["scheme"]) == (("203.0.113.9", 0), "https")


async def test_of_several_addresses_the_last_counts_that_is_not_a_proxys() -> None:
    got = await seen(request(PROXY, **{"for": "6.6.6.6, 203.0.113.9, 10.0.0.2"}))
    assert got["client"] == ("203.0.113.9", 0)


async def test_anyone_else_is_not_believed() -> None:
    got = await seen(request(("203.0.113.9", 1), **{"for": "6.6.6.6", "proto": "https"}))
    assert (got["client"], got["scheme"]) == (("203.0.113.9", 1), "http")


async def test_who_comes_by_a_unix_socket_without_a_proxy_has_no_address() -> None:
    assert (await seen(request(None)))["client"] is None


async def test_what_the_server_has_found_out_stays() -> None:
    scope = request(PROXY, **{"for": "10.0.0.7, 203.0.113.9"})
    assert (await seen({**await seen(scope)}))["client"] == ("203.0.113.9", 0)


async def test_the_lifespan_passes() -> None:
    assert await seen({"type": "lifespan"}) == {"type": "lifespan"}
