"""No call outlives its deadline, whatever the service does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore
import httpx
import pytest
from framework.deadline import within
from framework.outgoing import OutgoingTimeout
from framework.outgoing.call import Call
from framework.outgoing.destinations import Destinations
from framework.outgoing.times import SPARE
from host.testing.service import answer, silence

from .conftest import Client, Start, drip

LATE = 3.0
"""Seconds by which a busy machine may be late."""


@asynccontextmanager
async def ends_within(seconds: float) -> AsyncIterator[None]:
    async with asyncio.timeout(seconds + LATE):
        yield


async def test_attempts_never_exceed_the_deadline(client: Client, start: Start) -> None:
    """Three attempts of half a second each, and the pauses between them, do not fit into one."""
    service = await start(silence)
    http = client(service, sleep=asyncio.sleep, outgoing_read_timeout=0.5)
    for _ in range(3):
        began = asyncio.get_running_loop().time()
        with within(1), pytest.raises(OutgoingTimeout):
            await http.request("GET", service.url)
        assert asyncio.get_running_loop().time() - began < 1 + LATE
    assert len(service.asked) <= 6


async def test_a_deadline_is_shared_by_all_calls_along_the_way(client: Client, start: Start) -> None:
    service = await start(silence)
    http = client(service)
    async with ends_within(1):
        with within(1):
            for _ in range(3):
                with pytest.raises(OutgoingTimeout):
                    await http.request("GET", service.url)


async def test_no_attempt_begins_that_has_no_time_to_be_of_use(client: Client, start: Start) -> None:
    service = await start()
    with within(0.3), pytest.raises(OutgoingTimeout, match="no time"):
        await client(service).request("GET", service.url)
    assert (service.connections, service.asked) == (0, [])


async def test_it_leaves_time_to_say_that_it_failed() -> None:
    """Its own end comes before that of the work that called, which else would be cancelled with it."""
    with within(10) as ends_at:
        for timeout in (None, 30):
            call = Call.begin("GET", httpx.URL("http://example.com/"), timeout, None, ())
            assert ends_at - call.ends_at == pytest.approx(SPARE, abs=0.05)
        call = Call.begin("GET", httpx.URL("http://example.com/"), 2, None, ())
        assert call.left == pytest.approx(2, abs=LATE)


async def test_a_time_of_its_own_counts_for_all_attempts(client: Client, start: Start) -> None:
    service = await start(silence)
    async with ends_within(0.5):
        with within(30), pytest.raises(OutgoingTimeout):
            await client(service).request("GET", service.url, timeout=0.5)


async def test_a_time_of_its_own_is_no_longer_than_the_deadline(client: Client, start: Start) -> None:
    service = await start(silence)
    async with ends_within(0.5):
        with within(0.5), pytest.raises(OutgoingTimeout):
            await client(service).request("GET", service.url, timeout=30)


async def test_silence_ends_at_the_time_to_read(client: Client, start: Start) -> None:
    service = await start(silence)
    async with ends_within(0.2):
        with pytest.raises(OutgoingTimeout, match="ReadTimeout"):
            await client(service, outgoing_read_timeout=0.2).request("POST", service.url)


async def test_a_service_that_takes_nothing_ends_at_the_time_to_write(client: Client, start: Start) -> None:
    service = await start()
    service.reads = False
    async with ends_within(0.3):
        with pytest.raises(OutgoingTimeout, match="WriteTimeout"):
            await client(service, outgoing_write_timeout=0.3).request("POST", service.url, content=bytes(50_000_000))


async def test_a_service_that_drips_is_cut_at_the_deadline(client: Client, start: Start) -> None:
    """Each piece comes within the time to read, and the last one never."""
    service = await start(drip(b"x"))
    async with ends_within(0.5):
        with pytest.raises(OutgoingTimeout):
            await client(service).request("GET", service.url, timeout=0.5)


async def test_so_is_one_that_drips_its_head(client: Client, start: Start) -> None:
    async def head(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 -\r\n")
        while True:
            writer.write(b"x-more: and more\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    service = await start(head)
    async with ends_within(0.5):
        with pytest.raises(OutgoingTimeout):
            await client(service).request("GET", service.url, timeout=0.5)


async def test_so_is_a_stream(client: Client, start: Start) -> None:
    service = await start(drip(b"x"))
    async with ends_within(2), client(service).stream("GET", service.url, timeout=2) as response:
        with pytest.raises(OutgoingTimeout):
            await response.aread()


async def test_a_name_server_that_hangs_ends_at_the_time_to_connect(client: Client) -> None:
    async def resolve(_: str, __: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with ends_within(0.2):
        with pytest.raises(OutgoingTimeout, match="not resolved in time"):
            await client(destinations=Destinations(), resolve=resolve, outgoing_connect_timeout=0.2).request(
                "POST", "http://example.com/"
            )


async def test_an_address_that_does_not_answer_leaves_time_for_the_next(client: Client, start: Start) -> None:
    service = await start(answer(200))

    async def resolve(_: str, __: int) -> list[str]:
        # Nothing listens at the first one.
        return ["127.0.0.2", "127.0.0.1"]

    http = client(destinations=Destinations.of([f"both.test:{service.port}"]), resolve=resolve)
    assert (await http.request("POST", f"http://both.test:{service.port}/")).status_code == 200


async def test_an_attempt_gets_no_more_than_what_is_left(client: Client) -> None:
    given: list[float] = []

    class Dead(httpcore.AsyncNetworkBackend):
        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
            *_: object,
            **__: object,
        ) -> httpcore.AsyncNetworkStream:
            given.append(timeout or 0)
            raise httpcore.ConnectTimeout

    async def resolve(_: str, __: int) -> list[str]:
        return ["93.184.216.34", "93.184.216.35"]

    http = client(destinations=Destinations(), resolve=resolve, dial=Dead(), sleep=asyncio.sleep)
    with pytest.raises(OutgoingTimeout):
        await http.request("POST", "http://example.com/", timeout=1)
    # The first of two has half of it, and not half of the usual two seconds.
    assert 0 < given[0] <= 0.5
    assert given[1] <= 1


async def test_who_is_cancelled_leaves_nothing_behind(client: Client, start: Start) -> None:
    """A hundred callers that go away: the places at the host are all free again."""
    service = await start(silence)
    http = client(service, outgoing_concurrency=5)
    for _ in range(20):
        calls = [asyncio.create_task(http.request("GET", service.url)) for _ in range(5)]
        seen = len(service.asked)
        while len(service.asked) < seen + 5:  # noqa: ASYNC110 - what is waited for is the service's side
            await asyncio.sleep(0.001)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    service.answers[:] = [answer(200)]
    assert (await http.request("GET", service.url, timeout=2)).status_code == 200
