"""A process that is killed costs no safe request and no keyed one, and each change is made once (reliability bar, row 4)."""

import asyncio
import os
import signal
from collections import Counter
from contextlib import AsyncExitStack

import httpx
from host.trial import Trial

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import Nginx
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.traffic import KINDS, MODULES, UNHURRIED, Traffic, sign_in
from tests.faults.web import Replicas

RATE = 40
# One address alone may ask nginx for no more than ten a second.
ADDRESSES = [f"127.0.2.{number}" for number in range(1, 11)]
SAFE_OR_KEYED = [kind for kind in KINDS if kind.method == "GET" or kind.keyed]
SERVED = 20


async def test_killed_processes_lose_nothing_that_may_be_repeated(
    prepared: Trial, faults: Faults, start_nginx: StartNginx, report: Report, long: bool
) -> None:
    kills = 10 if long else 3
    environment = {"SM_MODULES_ENABLED": MODULES, "SM_RATE_LIMITS": UNHURRIED}
    async with Replicas(prepared, 2, environment) as replicas, AsyncExitStack() as stack:
        nginx = start_nginx(replicas.ports)
        clients = [await stack.enter_async_context(client_at(nginx, address)) for address in ADDRESSES]
        cookie = await sign_in(clients[0])
        async with Traffic(clients, cookie, rate=RATE, kinds=SAFE_OR_KEYED) as traffic:
            for number in range(kills):
                await traffic.during(f"before {number}", 1)
                os.kill(replicas.pid(number % 2), signal.SIGKILL)
                await traffic.during(f"kill {number}", 1)
                await replicas.restart(number % 2)
                # Until then nginx may still leave it out, and the other one is the next to be killed.
                await faults.until(lambda number=number: serves(nginx, replicas.ports[number % 2]))  # type: ignore[misc]
        failed = [answer for answer in traffic.answers if not 200 <= answer.status < 400]
        writes = [answer.label for answer in traffic.answers if answer.kind.keyed]
        held = Counter(row["name"] for row in await faults.fetch("SELECT name FROM contacts.contact"))
    repeated = sum(", 127.0.0.1:" in line for line in nginx.access.read_text().splitlines())
    report(
        f"killed {kills} times, 2 processes behind nginx: {len(failed)} of {len(traffic.answers)} GETs and keyed POSTs failed; "
        f"{len(writes)} POSTs, applied {sum(held[label] for label in writes)} times; {repeated} requests went to a second process"
    )
    assert repeated
    assert not failed
    assert {label: held[label] for label in writes} == dict.fromkeys(writes, 1)


def client_at(nginx: Nginx, address: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(base_url=nginx.url, transport=transport, timeout=60)


async def serves(nginx: Nginx, port: int) -> bool:
    """Whether nginx gives it requests again."""
    lately = await asyncio.to_thread(lambda: nginx.access.read_text().splitlines()[-SERVED:])
    return any(f'"replica":"127.0.0.1:{port}"' in line for line in lately)
