"""Which ends of a call open the host's circuit breaker, and that it then is left alone."""

import asyncio

import pytest
from framework.circuit_breaker.circuit import Outcome
from framework.outgoing import (
    BadResponse,
    Busy,
    CircuitOpen,
    ForbiddenAddress,
    OutgoingTimeout,
    Refused,
    Unavailable,
)
from framework.outgoing.destinations import Destinations
from framework.outgoing.verdict import verdict
from host.testing.service import answer, hang_up, silence

from .conftest import Client, Start

ENDS = (
    *((status, Outcome.FAILURE) for status in (500, 502, 503, 504)),
    *((status, Outcome.SUCCESS) for status in (200, 204, 301, 304, 400, 401, 403, 404, 409, 422, 429, 501)),
    (OutgoingTimeout("x.test", ""), Outcome.FAILURE),
    (Refused("x.test", ""), Outcome.FAILURE),
    (Unavailable("x.test", ""), Outcome.FAILURE),
    (Busy("x.test", ""), Outcome.NOTHING),
    (BadResponse("x.test", ""), Outcome.NOTHING),
    (ForbiddenAddress("x.test", ""), Outcome.NOTHING),
    (asyncio.CancelledError(), Outcome.NOTHING),
    (ValueError("a mistake of ours"), Outcome.NOTHING),
)


@pytest.mark.parametrize(("end", "outcome"), ENDS, ids=lambda value: str(getattr(value, "code", value)))
def test_which_ends_count(end: int | BaseException, outcome: Outcome) -> None:
    assert verdict(end, waited=10) is outcome


def test_a_service_that_had_no_time_is_not_blamed() -> None:
    assert verdict(OutgoingTimeout("x.test", ""), waited=0.3) is Outcome.NOTHING


async def test_it_opens_and_nothing_more_is_sent(client: Client, start: Start) -> None:
    service = await start(answer(500))
    http = client(service)
    for _ in range(10):
        assert (await http.request("GET", service.url)).status_code == 500
    for _ in range(50):
        with pytest.raises(CircuitOpen) as raised:
            await http.request("GET", service.url)
    assert (raised.value.status, raised.value.code) == (503, "outgoing.circuit_open")
    assert 1 <= int((raised.value.headers or {})["retry-after"]) <= 5
    assert len(service.asked) == 10


async def test_connections_that_break_and_answers_that_stall_open_it(client: Client, start: Start) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b"all of it")[:-3])
        await silence(writer)

    for fault, error in ((hang_up, Unavailable), (stall, OutgoingTimeout)):
        service = await start(fault)
        http = client(service, outgoing_read_timeout=1.1)
        ends = await asyncio.gather(*(http.request("POST", service.url) for _ in range(10)), return_exceptions=True)
        assert {type(end) for end in ends} == {error}
        with pytest.raises(CircuitOpen):
            await http.request("POST", service.url)


async def test_a_404_opens_nothing(client: Client, start: Start) -> None:
    service = await start(answer(404))
    http = client(service)
    for _ in range(100):
        assert (await http.request("GET", service.url)).status_code == 404
    assert len(service.asked) == 100


async def test_each_host_has_its_own(client: Client, start: Start) -> None:
    bad, good = await start(answer(500)), await start()
    http = client(bad, good)
    for _ in range(10):
        await http.request("GET", bad.url)
    with pytest.raises(CircuitOpen):
        await http.request("GET", bad.url)
    assert (await http.request("GET", good.url)).status_code == 200


async def test_a_host_that_is_reached_by_redirects_is_left_alone_too(client: Client, start: Start) -> None:
    bad = await start(answer(500))
    good = await start(answer(302, headers={"location": bad.url}))
    http = client(bad, good)
    for _ in range(10):
        await http.request("GET", good.url, follow_redirects=True)
    with pytest.raises(CircuitOpen) as raised:
        await http.request("GET", good.url, follow_redirects=True)
    assert raised.value.host == bad.address
    assert len(bad.asked) == 10


async def test_a_failing_answer_counts_once_it_begins(client: Client, start: Start) -> None:
    """Also where nobody reads on."""
    service = await start(answer(500, b"x" * 200))
    http = client(service)
    for _ in range(10):
        async with http.stream("GET", service.url) as response:
            assert response.status_code == 500
    with pytest.raises(CircuitOpen):
        await http.request("GET", service.url)


async def test_nobody_listening_opens_it(client: Client) -> None:
    http = client(destinations=Destinations.of(["127.0.0.1:1"]))
    for _ in range(10):
        with pytest.raises(Refused):
            await http.request("POST", "http://127.0.0.1:1/")
    with pytest.raises(CircuitOpen):
        await http.request("POST", "http://127.0.0.1:1/")
