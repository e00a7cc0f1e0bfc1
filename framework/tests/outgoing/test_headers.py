"""What every call carries, so that one trace and one id lead through all services."""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application, CurrentApplication
from framework.correlation import bound
from framework.policies import policy, public
from framework.routing import Router
from framework.trace_context import set_trace, trace_headers
from host.testing.service import Service, answer, hang_up

from .conftest import Client, Start

type Build = Callable[..., FastAPI]
type Asked = Callable[[dict[str, str]], Awaitable[httpx.Headers]]
type Browse = Callable[[FastAPI], httpx.AsyncClient]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
WELL_FORMED = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch


def calling(service: Service) -> Router:
    router = Router("caller")

    @router.get("/")
    @policy(public)
    async def call(application: CurrentApplication) -> int:
        return (await application.http.request("GET", service.url)).status_code

    return router


@pytest.fixture
async def asked(build: Build, browse: Browse, start: Start) -> Asked:
    """``await asked({"traceparent": …})``: the headers of the call that a request with these makes."""
    service = await start()
    browser = browse(build(calling(service), outgoing_allowed=(service.address,)))

    async def asked(headers: dict[str, str]) -> httpx.Headers:
        assert (await browser.get("/api/caller/", headers=headers)).json() == 200
        return service.asked[-1].headers

    return asked


async def test_a_call_carries_the_id_of_its_request(asked: Asked) -> None:
    headers = await asked({"x-correlation-id": "order-4711"})
    assert headers["x-correlation-id"] == "order-4711"
    assert headers["user-agent"].startswith("Seamark/")
    assert headers["traceparent"].split("-")[1] == sha256(b"order-4711").hexdigest()[:32]


async def test_an_id_that_is_a_trace_id_is_the_trace(asked: Asked) -> None:
    uuid = f"{TRACE[:8]}-{TRACE[8:12]}-{TRACE[12:16]}-{TRACE[16:20]}-{TRACE[20:]}"
    for correlation in (TRACE, uuid):
        headers = await asked({"x-correlation-id": correlation})
        assert headers["traceparent"].startswith(f"00-{TRACE}-")


async def test_a_trace_goes_on_as_it_came(asked: Asked) -> None:
    headers = await asked({"traceparent": PARENT, "tracestate": "vendor=opaque"})
    version, trace, parent, flags = headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert parent != "00f067aa0ba902b7"
    assert headers["tracestate"] == "vendor=opaque"


async def test_a_trace_ends_with_its_request(asked: Asked) -> None:
    await asked({"traceparent": PARENT, "tracestate": "vendor=opaque"})
    headers = await asked({})
    assert TRACE not in headers["traceparent"]
    assert "tracestate" not in headers


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"00",
        f"ff-{TRACE}-00f067aa0ba902b7-01".encode(),
        f"00-{'0' * 32}-00f067aa0ba902b7-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        PARENT.upper().encode(),
        PARENT.encode() + b"\r\nx: y",
        PARENT.encode() + b"-" + b"x" * 1000,
    ],
)
def test_a_malformed_trace_is_none(malformed: bytes) -> None:
    set_trace(malformed, b"vendor=opaque")
    with bound("order-4711"):
        headers = trace_headers()
    assert TRACE not in headers["traceparent"]
    assert WELL_FORMED(headers["traceparent"])
    assert "tracestate" not in headers


def test_a_later_version_is_understood_as_far_as_it_is_known() -> None:
    set_trace(f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-brings".encode(), None)
    assert trace_headers()["traceparent"].startswith(f"00-{TRACE}-")
    set_trace(None, None)


async def test_each_attempt_is_a_span_of_its_own(client: Client, start: Start) -> None:
    service = await start(hang_up, answer(200))
    with bound("order-4711"):
        await client(service).request("GET", service.url)
    one, two = (item.headers["traceparent"].split("-") for item in service.asked)
    assert one[1] == two[1]
    assert one[2] != two[2]


async def test_outside_of_any_request_there_is_a_trace_and_no_id(client: Client, start: Start) -> None:
    service = await start()
    with bound(""):
        await client(service).request("GET", service.url)
    assert WELL_FORMED(service.asked[0].headers["traceparent"])
    assert "x-correlation-id" not in service.asked[0].headers


async def test_a_modules_own_headers_come_first(client: Client, start: Start) -> None:
    service = await start()
    await client(service).request("GET", service.url, headers={"User-Agent": "Ours/2"})
    assert service.asked[0].headers["user-agent"] == "Ours/2"


def test_an_application_makes_one_client(build: Build, application_of: Callable[[FastAPI], Application]) -> None:
    application = application_of(build())
    assert application.http is application.http
