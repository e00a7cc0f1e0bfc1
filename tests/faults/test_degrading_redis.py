"""Redis is for limits and breakers, never for truth: without it no request fails, none waits, and nothing stands open."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import httpx
import pytest
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey
from tests.faults.traffic import MODULES, UNHURRIED, Traffic, sign_in
from tests.faults.web import Replicas

RATE = 50
ADDED = 50.0
"""Milliseconds of p99 that an outage may cost."""
RECOVERED = 5.0
LIMIT = 10

type Happening = tuple[Callable[[LastingValkey], Awaitable[None]], Callable[[LastingValkey], Awaitable[None]]]


async def kill(valkey: LastingValkey) -> None:
    valkey.kill()


async def start(valkey: LastingValkey) -> None:
    await asyncio.to_thread(valkey.start)


async def freeze(valkey: LastingValkey) -> None:
    valkey.send(signal.SIGSTOP)


async def thaw(valkey: LastingValkey) -> None:
    valkey.send(signal.SIGCONT)


OUTAGES = pytest.mark.parametrize(
    "outage", [pytest.param((kill, start), id="killed"), pytest.param((freeze, thaw), id="frozen")]
)


@pytest.fixture
async def replicas(prepared: Trial, faults: Faults) -> AsyncIterator[Replicas]:
    environment = {"SM_MODULES_ENABLED": MODULES, "SM_RATE_LIMITS": UNHURRIED}
    async with Replicas(prepared, 4, environment) as replicas:
        yield replicas


async def use_redis(replicas: Replicas, cookie: str) -> bool:
    """Whether all of them do, by what they say at /admin/metrics."""
    answers = [await client.get("/admin/metrics", headers={"cookie": cookie}) for client in replicas.clients]
    assert {answer.status_code for answer in answers} == {200}
    return all("seamark_redis_available 1.0" in answer.text.splitlines() for answer in answers)


@OUTAGES
async def test_no_request_fails_and_none_waits(
    outage: Happening, replicas: Replicas, faults: Faults, valkey: LastingValkey, report: Report, long: bool
) -> None:
    begin, end = outage
    cookie = await sign_in(replicas.clients[0])
    calm, seconds = (20, 60) if long else (5, 8)
    async with Traffic(replicas.clients, cookie, rate=RATE) as traffic:
        await traffic.during("warm-up", 2)
        await traffic.during("before", calm)
        traffic.phase = "outage"
        await begin(valkey)
        await traffic.during("outage", seconds)
        assert not await use_redis(replicas, cookie)
        # A phase of its own: hashing a password delays what else its process does.
        traffic.phase = "signing in"
        for url in replicas.urls:
            async with httpx.AsyncClient(base_url=url, timeout=30) as newcomer:
                await sign_in(newcomer)
        await end(valkey)
        back = monotonic()
        await faults.until(lambda: use_redis(replicas, cookie))
        recovered = monotonic() - back
        await traffic.during("after", calm)
        assert await use_redis(replicas, cookie)
    before, during, after = (traffic.p99(phase) for phase in ("before", "outage", "after"))
    calmly = max(before, after)
    failed = traffic.failed("before", "outage", "signing in", "after")
    report(
        f"Redis {begin.__name__} for {seconds} s, 4 replicas: {len(failed)} of {len(traffic.of('outage'))} requests failed, "
        f"p99 {before:.0f} ms before, {during:.0f} ms meanwhile, {after:.0f} ms after; back after {recovered:.2f} s"
    )
    assert not failed
    # What two runs of the same differ by on a machine that does other things, too, and what the outage may add.
    assert during <= 1.5 * calmly + ADDED
    assert recovered <= RECOVERED


@OUTAGES
async def test_limits_stay_and_are_shared_again(
    outage: Happening, prepared: Trial, faults: Faults, valkey: LastingValkey, report: Report
) -> None:
    begin, end = outage
    # It fills up so slowly that what is counted here is the bucket.
    environment = {"SM_RATE_LIMITS": f"seamark.address={LIMIT}/3600"}
    async with Replicas(prepared, 4, environment) as replicas:

        async def admitted(address: str) -> int:
            """Of twice as many as each replica would let through by itself."""
            statuses = []
            for client in addressed(replicas, address):
                async with client:
                    statuses += [(await client.get("/api/app")).status_code for _ in range(2 * LIMIT)]
            assert set(statuses) <= {200, 429}
            return statuses.count(200)

        shared = await admitted("127.0.1.1")
        await begin(valkey)
        refused, alone = await admitted("127.0.1.1"), await admitted("127.0.1.2")
        await end(valkey)
        await faults.until(lambda: recovered(replicas))
        known, newcomer = await admitted("127.0.1.2"), await admitted("127.0.1.3")
    report(
        f"a limit of {LIMIT} over 4 replicas lets {shared} through; Redis {begin.__name__}: {refused} more of the same "
        f"client, {alone} of another one; afterwards {known} more of that one, {newcomer} of a third"
    )
    assert shared == LIMIT
    # Whoever was at the limit stays there; each process counts anybody else by itself.
    assert (refused, alone) == (0, 4 * LIMIT)
    # What they counted alone, Redis is told; and all count together again.
    assert (known, newcomer) == (0, LIMIT)


def addressed(replicas: Replicas, address: str) -> list[httpx.AsyncClient]:
    transports = (httpx.AsyncHTTPTransport(local_address=address) for _ in replicas.urls)
    return [
        httpx.AsyncClient(base_url=url, transport=transport, timeout=10)
        for url, transport in zip(replicas.urls, transports, strict=True)
    ]


async def recovered(replicas: Replicas) -> bool:
    return all("Redis answers again" in replicas.log(number) for number in range(4))
