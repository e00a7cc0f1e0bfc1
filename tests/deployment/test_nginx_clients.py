"""Who the client is, with nobody to three proxies in front of nginx, whatever the client says of himself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from host.trial import Trial, answers

from tests.deployment.conftest import StartNginx
from tests.deployment.front import Front
from tests.deployment.nginx import SHIPPED, Nginx
from tests.deployment.replica import Replica
from tests.faults.conftest import Report
from tests.faults.faults import Faults

CLIENT = "127.0.5.1"
EDGE, BALANCER, SECOND_BALANCER = "127.0.6.1", "127.0.7.1", "127.0.7.2"
HOPS = {0: [], 1: [BALANCER], 2: [BALANCER, SECOND_BALANCER], 3: [EDGE, BALANCER, SECOND_BALANCER]}
NAMED = {
    0: "",
    1: f"set_real_ip_from {BALANCER};",
    2: "set_real_ip_from 127.0.7.0/24;",
    3: "set_real_ip_from 127.0.7.0/24;\ninclude seamark/cdn.conf;",
}
STRANGER = "203.0.113.9"
FORGED = {
    "nothing": {},
    "an address": {"X-Forwarded-For": STRANGER},
    "several addresses": {"X-Forwarded-For": f"{STRANGER}, 10.0.0.1, 127.0.0.1"},
    "the proxies' own": {"X-Forwarded-For": f"{BALANCER}, {EDGE}"},
    "no address": {"X-Forwarded-For": "'; DROP TABLE"},
    "other headers": {"X-Real-IP": STRANGER, "True-Client-IP": STRANGER, "CF-Connecting-IP": STRANGER},
    "the standard's": {"Forwarded": f"for={STRANGER};proto=https;host=evil.example"},
    "a scheme": {"X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1"},
    "https": {"X-Forwarded-Proto": "https"},
    "all": {"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "https", "X-Real-IP": STRANGER, "Forwarded": "for=x"},
}
TOLD = ("x-forwarded-for", "x-forwarded-proto", "x-real-ip")
AT_ONCE = 21


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with Replica() as replica:
        yield replica


def shipped_proxies(hops: int) -> str:
    """proxies.conf as an owner completes it."""
    return (SHIPPED / "proxies.conf").read_text() + NAMED[hops]


def start(start_nginx: StartNginx, replica: Replica, hops: int) -> Nginx:
    changes = {"cdn.conf": ("set_real_ip_from 192.0.2.0/24;", "set_real_ip_from 127.0.6.0/24;")}
    return start_nginx([replica.port], proxies=shipped_proxies(hops), changes=changes)


def client_from(url: str, address: str = CLIENT) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url, timeout=10, transport=httpx.AsyncHTTPTransport(local_address=address, verify=False)
    )


@pytest.mark.parametrize("hops", HOPS)
async def test_a_process_hears_the_client_and_the_scheme_of_the_outermost_proxy(
    replica: Replica, start_nginx: StartNginx, tmp_path: Path, report: Report, hops: int
) -> None:
    nginx = start(start_nginx, replica, hops)
    if not hops:
        await ask_in_all_ways(nginx.url)
    else:
        with Front(tmp_path / "front", HOPS[hops], nginx.url) as front:
            await ask_in_all_ways(front.url)
    told = {tuple(head.get(name) for name in TOLD) for head in replica.heads}
    report(f"{len(FORGED)} forged requests through {hops} proxies: the process heard of {len(told)} client")
    assert told == {(CLIENT, "https" if hops else "http", CLIENT)}
    assert len(replica.requests) == len(FORGED)
    for head in replica.heads:
        assert not {"forwarded", "x-forwarded-host"} & head.keys()


async def ask_in_all_ways(url: str) -> None:
    async with client_from(url) as client:
        for forged in FORGED.values():
            assert (await client.get("/", headers=forged)).status_code == 200


async def test_who_comes_past_the_proxies_is_believed_nothing(replica: Replica, start_nginx: StartNginx) -> None:
    nginx = start(start_nginx, replica, 3)
    async with client_from(nginx.url) as client:
        for forged in FORGED.values():
            await client.get("/", headers=forged)
    assert {tuple(head.get(name) for name in TOLD) for head in replica.heads} == {(CLIENT, "http", CLIENT)}


async def test_a_proxy_that_is_named_and_says_nothing_is_the_client(replica: Replica, start_nginx: StartNginx) -> None:
    nginx = start(start_nginx, replica, 1)
    async with client_from(nginx.url, BALANCER) as client:
        await client.get("/", headers={"X-Forwarded-Proto": "https"})
    assert [tuple(head.get(name) for name in TOLD) for head in replica.heads] == [(BALANCER, "http", BALANCER)]


@pytest.mark.parametrize("hops", [1, 3])
async def test_a_limit_counts_people_and_not_what_they_write_nor_the_proxies(
    replica: Replica, start_nginx: StartNginx, tmp_path: Path, hops: int
) -> None:
    nginx = start(start_nginx, replica, hops)
    with Front(tmp_path / "front", HOPS[hops], nginx.url) as front:
        async with client_from(front.url) as one, client_from(front.url, "127.0.5.2") as other:
            answers = await asyncio.gather(
                *(
                    one.get("/api/app", headers={"X-Forwarded-For": f"198.51.100.{number}"})
                    for number in range(5 * AT_ONCE)
                )
            )
            assert 429 in {answer.status_code for answer in answers}
            assert (await other.get("/api/app")).status_code == 200


async def test_by_a_unix_socket_the_application_knows_the_client(
    prepared: Trial, faults: Faults, start_nginx: StartNginx, tmp_path: Path
) -> None:
    socket = tmp_path / "web.sock"
    nginx = start_nginx(replicas=f"server unix:{socket} max_fails=0;\n", proxies=shipped_proxies(0))
    environment = {"SM_RATE_LIMITS": "seamark.address=3/60"}
    prepared.start("by-socket", "-m", "host.cli", "web", "--uds", str(socket), environment=environment)
    try:
        prepared.wait_until(lambda: socket.exists() and answers(f"{nginx.url}/health"), "by-socket")
        async with client_from(nginx.url) as one, client_from(nginx.url, "127.0.5.2") as other:
            statuses = [
                (await one.get("/api/app", headers={"X-Forwarded-For": f"198.51.100.{number}"})).status_code
                for number in range(4)
            ]
            assert statuses == [200, 200, 200, 429]
            assert (await other.get("/api/app")).status_code == 200
    finally:
        prepared.stop("by-socket")
    log = prepared.log("by-socket").read_text()
    assert f'"client":"{CLIENT}"' in log.replace(" ", "")
