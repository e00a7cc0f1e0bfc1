"""One host that hangs holds some of this process's calls, and never all of them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from framework.outgoing import BadResponse, Busy, Unavailable
from framework.outgoing.hosts import OTHER, Hosts
from host.testing.service import answer, hang_up

from .conftest import Client, Start

type WaitUntil = Callable[..., Any]


class Held:
    """Answers when the test lets it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        await self.open.wait()
        writer.write(answer(200))


async def test_no_more_than_its_places_are_taken_at_once(client: Client, start: Start, wait_until: WaitUntil) -> None:
    held = Held()
    service = await start(held)
    http = client(service, outgoing_concurrency=20, outgoing_pool_timeout=30)
    calls = [asyncio.create_task(http.request("GET", service.url)) for _ in range(60)]
    await wait_until(lambda: service.under_way == 20)
    held.open.set()
    assert {response.status_code for response in await asyncio.gather(*calls)} == {200}
    assert service.most_under_way == 20


async def test_who_finds_no_place_in_time_is_told_that_it_is_busy(
    client: Client, start: Start, wait_until: WaitUntil
) -> None:
    held = Held()
    service, other = await start(held), await start()
    http = client(service, other, outgoing_concurrency=2, outgoing_pool_timeout=0.1)
    calls = [asyncio.create_task(http.request("GET", service.url)) for _ in range(2)]
    await wait_until(lambda: service.under_way == 2)
    with pytest.raises(Busy) as raised:
        await http.request("GET", service.url)
    assert (raised.value.status, raised.value.code) == (503, "outgoing.busy")
    # Another host is not concerned.
    assert (await http.request("GET", other.url)).status_code == 200
    held.open.set()
    await asyncio.gather(*calls)
    assert (await http.request("GET", service.url)).status_code == 200


async def test_a_place_is_free_again_however_the_call_ended(client: Client, start: Start) -> None:
    service = await start(
        answer(200), hang_up, answer(200, b"x" * 200), answer(302, headers={"location": "/b"}), answer(404)
    )
    http = client(service, outgoing_concurrency=1, outgoing_pool_timeout=0.1, outgoing_max_response=100)
    await http.request("POST", service.url)
    with pytest.raises(Unavailable):
        await http.request("POST", service.url)
    with pytest.raises(BadResponse):
        await http.request("POST", service.url)
    # A redirect to the same host needs one place, not two.
    assert (await http.request("GET", service.url, follow_redirects=True)).status_code == 404
    async with http.stream("GET", service.url):
        with pytest.raises(Busy):
            await http.request("GET", service.url)
    assert (await http.request("GET", service.url)).status_code == 404


async def test_all_hosts_together_have_no_more_connections_than_the_process(
    client: Client, start: Start, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr("framework.outgoing.client.CONNECTIONS", 2)
    held = Held()
    one, two, three = await start(held), await start(held), await start()
    http = client(one, two, three, outgoing_pool_timeout=0.2)
    calls = [asyncio.create_task(http.request("GET", service.url)) for service in (one, two)]
    await wait_until(lambda: one.under_way and two.under_way)
    with pytest.raises(Busy):
        await http.request("GET", three.url)
    held.open.set()
    await asyncio.gather(*calls)
    assert (await http.request("GET", three.url)).status_code == 200


def test_hosts_that_people_choose_are_not_all_remembered() -> None:
    hosts = Hosts(20, most=100)
    busy = hosts.of("busy.test")
    busy.in_flight = 1
    for number in range(10_000):
        hosts.of(f"host{number}.test")
    assert len(hosts) == 100
    assert hosts.of("busy.test") is busy


def test_metrics_name_the_hosts_that_are_declared() -> None:
    hosts = Hosts(20, ["api.example.com", "10.0.0.7:8080"])
    names = ("api.example.com", "api.example.com:8443", "10.0.0.7:8080", "10.0.0.7:9090", "evil.test")
    assert [hosts.of(name).label for name in names] == [
        "api.example.com",
        "api.example.com",
        "10.0.0.7:8080",
        OTHER,
        OTHER,
    ]
