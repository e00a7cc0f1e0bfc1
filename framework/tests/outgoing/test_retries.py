"""What is repeated and what is not: the tutorial's own retry, as the scenarios that it fails."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import isfinite
from statistics import mean
from time import monotonic

import httpcore
import httpx
import pytest
from framework.deadline import within
from framework.outgoing import BadResponse, OutgoingTimeout, Refused, Unavailable
from framework.outgoing.answer import retry_after
from framework.outgoing.destinations import Destinations
from host.testing.service import answer, hang_up, silence
from hypothesis import example, given
from hypothesis.strategies import text

from .conftest import Client, Start, loopback


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429, 500, 501])
async def test_a_4xx_is_not_repeated_nor_what_will_not_be_different_next_time(
    client: Client, start: Start, status: int
) -> None:
    service = await start(answer(status))
    assert (await client(service).request("GET", service.url)).status_code == status
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_get_is_repeated_while_the_service_is_away(client: Client, start: Start, status: int) -> None:
    service = await start(answer(status), answer(status), answer(200))
    assert (await client(service).request("GET", service.url)).status_code == 200
    assert len(service.asked) == 3


async def test_it_is_sent_three_times_at_most_and_the_last_answer_counts(client: Client, start: Start) -> None:
    service = await start(answer(502), answer(504), answer(503, b'{"last": true}'))
    response = await client(service).request("GET", service.url)
    assert (response.status_code, response.json(), len(service.asked)) == (503, {"last": True}, 3)


async def test_a_charge_is_not_sent_twice(client: Client, start: Start) -> None:
    """It was read, and perhaps it was done."""
    for fault, error in ((hang_up, Unavailable), (silence, OutgoingTimeout)):
        service = await start(fault)
        with pytest.raises(error):
            await client(service, outgoing_read_timeout=0.1).request("POST", service.url, json={"amount": 100})
        assert len(service.asked) == 1
    service = await start(answer(503))
    assert (await client(service).request("POST", service.url, json={"amount": 100})).status_code == 503
    assert len(service.asked) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_with_a_key_it_is_and_every_attempt_carries_the_same(client: Client, start: Start, method: str) -> None:
    service = await start(hang_up, answer(503), answer(201))
    response = await client(service).request(method, service.url, json={"amount": 100}, idempotency_key="charge-7")
    assert response.status_code == 201
    assert [(asked.headers["idempotency-key"], asked.body) for asked in service.asked] == 3 * [
        ("charge-7", b'{"amount":100}')
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_idempotent_methods_are_repeated(client: Client, start: Start, method: str) -> None:
    service = await start(hang_up, answer(204, b""))
    assert (await client(service).request(method, service.url)).status_code == 204
    assert len(service.asked) == 2


async def test_what_breaks_off_in_the_middle_of_an_answer_is_repeated(client: Client, start: Start) -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b'{"whole": true}')[:-5])
        await writer.drain()
        writer.transport.abort()

    service = await start(half, answer(200, b'{"whole": true}'))
    assert (await client(service).request("GET", service.url)).json() == {"whole": True}


async def test_the_last_error_is_raised(client: Client, start: Start) -> None:
    """As it is, and not wrapped in the words of what repeats."""
    service = await start(silence, hang_up, hang_up)
    with pytest.raises(Unavailable) as raised:
        await client(service, outgoing_read_timeout=0.1).request("GET", service.url)
    assert (type(raised.value), len(service.asked)) == (Unavailable, 3)
    assert raised.value.host == service.address


async def test_an_answer_of_no_use_is_not_asked_for_again(client: Client, start: Start) -> None:
    service = await start(answer(200, b"long" * 100))
    with pytest.raises(BadResponse):
        await client(service, outgoing_max_response=100).request("GET", service.url)
    assert len(service.asked) == 1


class Nobody(httpcore.AsyncNetworkBackend):
    """Where nothing listens."""

    async def connect_tcp(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("refused")


async def test_waits_have_full_jitter(client: Client, pauses: list[float]) -> None:
    """Anywhere from nothing to the bound, which doubles: 0.5 s, then 1 s."""
    hosts = [f"host{number}.test:1" for number in range(150)]
    http = client(destinations=Destinations.of(hosts), dial=Nobody(), resolve=loopback)
    for host in hosts:
        with pytest.raises(Refused):
            # Each under a name of its own: neither a budget nor a breaker is what this is about.
            await http.request("GET", f"http://{host}/")
    for bound, drawn in ((0.5, pauses[::2]), (1.0, pauses[1::2])):
        assert len(drawn) == 150
        assert 0 <= min(drawn) < 0.1 * bound
        assert 0.9 * bound < max(drawn) <= bound
        assert 0.4 * bound < mean(drawn) < 0.6 * bound


class TestRetryAfter:
    async def test_it_is_waited_for_in_seconds(self, client: Client, start: Start, pauses: list[float]) -> None:
        service = await start(answer(503, headers={"retry-after": "3"}), answer(200))
        assert (await client(service).request("GET", service.url)).status_code == 200
        assert 3 <= pauses[0] <= 3.5

    async def test_it_is_waited_for_as_a_date(self, client: Client, start: Start, pauses: list[float]) -> None:
        service = await start(answer(503, headers={"retry-after": _in(20)}), answer(200))
        assert (await client(service).request("GET", service.url)).status_code == 200
        assert 18 <= pauses[0] <= 20.5

    async def test_a_429_is_repeated_when_it_says_when(self, client: Client, start: Start, pauses: list[float]) -> None:
        service = await start(answer(429, headers={"retry-after": "1"}), answer(200))
        assert (await client(service).request("GET", service.url)).status_code == 200
        assert 1 <= pauses[0] <= 1.5

    async def test_one_that_does_not_fit_into_the_deadline_ends_the_call(
        self, client: Client, start: Start, pauses: list[float]
    ) -> None:
        service = await start(answer(503, headers={"retry-after": "20"}))
        with within(10):
            assert (await client(service).request("GET", service.url)).status_code == 503
        assert (len(service.asked), pauses) == (1, [])

    @pytest.mark.parametrize("nonsense", ["soon", "-5", "1e9", "", "²"])
    async def test_nonsense_is_not_followed(
        self, client: Client, start: Start, pauses: list[float], nonsense: str
    ) -> None:
        service = await start(answer(503, headers={"retry-after": nonsense}), answer(200))
        assert (await client(service).request("GET", service.url)).status_code == 200
        assert pauses[0] <= 0.5


@given(text())
@example("9" * 5000)
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
def test_whatever_it_says_is_seconds_or_nothing(value: str) -> None:
    waits = retry_after(httpx.Response(503, headers={b"retry-after": value.encode("utf-8", "surrogatepass")}))
    assert waits is None or (waits >= 0 and isfinite(waits))


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


async def test_a_stream_is_repeated_until_it_begins(client: Client, start: Start) -> None:
    service = await start(answer(503), hang_up, answer(200, b"one two"))
    async with client(service).stream("GET", service.url) as response:
        assert b"".join([piece async for piece in response.aiter_bytes()]) == b"one two"
    assert len(service.asked) == 3


async def test_an_outage_is_not_multiplied(client: Client, start: Start) -> None:
    """Two hundred calls to a service that is overloaded: not six hundred requests, but a fifth more and a few."""
    # Its answer is none that would open the circuit breaker, which ends this sooner.
    service = await start(answer(429, headers={"retry-after": "0"}))
    http = client(service)
    began = monotonic()
    for _ in range(200):
        await http.request("GET", service.url)
    retries = len(service.asked) - 200
    # Three at first, a fifth of two hundred, and three every ten seconds, however slow this machine is.
    assert 40 <= retries <= 3 + 40 + 0.3 * (monotonic() - began) + 1
