"""Redis is for limits and breakers, never for truth: without it no request fails, none waits, and nothing stands open."""

from collections.abc import AsyncIterator
from itertools import count
from time import monotonic

import httpx
import pytest
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.outages import Change, back, found_again, killed_or_frozen, undisturbed
from tests.faults.servers import LastingValkey
from tests.faults.traffic import MODULES, UNHURRIED, Traffic, sign_in
from tests.faults.web import Replicas

RATE = 50
ADDED = 50.0
"""Milliseconds of p99 that an outage may cost."""
NOTICED = 1000.0
"""Milliseconds of the slowest request while the processes find out."""
RECOVERED = 5.0
ROUNDS = 4
"""What others do on the machine only ever makes a round look worse: one good one will do."""
LIMIT = 10


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


@killed_or_frozen
async def test_no_request_fails_and_none_waits(
    happens: Change, replicas: Replicas, faults: Faults, valkey: LastingValkey, report: Report, long: bool
) -> None:
    cookie = await sign_in(replicas.clients[0])
    for _ in range(ROUNDS):
        if await pass_through_an_outage(happens, replicas, cookie, faults, valkey, report, long=long):
            return
    raise AssertionError(f"not once in {ROUNDS} rounds")


async def pass_through_an_outage(
    happens: Change,
    replicas: Replicas,
    cookie: str,
    faults: Faults,
    valkey: LastingValkey,
    report: Report,
    *,
    long: bool,
) -> bool:
    """Whether requests were as fast as they have to be. That none failed is certain afterwards."""
    calm, seconds = (20, 60) if long else (5, 8)
    async with Traffic(replicas.clients, cookie, rate=RATE) as traffic:
        await traffic.during("warm-up", 2)
        await traffic.during("before", calm)
        # The first question of each process waits as long as a question may; of so few requests that is more than one in a hundred.
        traffic.phase = "noticing"
        await happens(valkey)
        await traffic.during("noticing", 1)
        await traffic.during("outage", seconds)
        assert not await use_redis(replicas, cookie)
        # A phase of its own: hashing a password delays what else its process does.
        traffic.phase = "signing in"
        for url in replicas.urls:
            async with httpx.AsyncClient(base_url=url, timeout=30) as newcomer:
                await sign_in(newcomer)
        await back(valkey)
        returned = monotonic()
        await faults.until(lambda: use_redis(replicas, cookie))
        recovered = monotonic() - returned
        await traffic.during("after", calm)
    before, during, after = (traffic.p99(phase) for phase in ("before", "outage", "after"))
    calmly = max(before, after)
    slowest = 1000 * max(answer.seconds for answer in traffic.of("noticing"))
    failed = traffic.failed("before", "noticing", "outage", "signing in", "after")
    report(
        f"Redis {happens.__name__} for {seconds} s, 4 replicas: {len(failed)} of {len(traffic.of('outage'))} requests failed, "
        f"p99 {before:.0f} ms before, {during:.0f} ms meanwhile, {after:.0f} ms after, {slowest:.0f} ms at most in the first second; back after {recovered:.2f} s"
    )
    assert not failed
    assert recovered <= RECOVERED
    # What two runs of the same differ by on a machine that does other things, too, and what the outage may add.
    return during <= 1.5 * calmly + ADDED and slowest <= NOTICED


@killed_or_frozen
async def test_limits_stay_and_are_shared_again(
    happens: Change, prepared: Trial, faults: Faults, valkey: LastingValkey, report: Report
) -> None:
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

        numbers = count(1)

        async def newcomer() -> tuple[str, int]:
            address = f"127.0.1.{next(numbers)}"
            return address, await admitted(address)

        first, shared = await undisturbed(replicas, newcomer)
        await happens(valkey)
        refused = await admitted(first)
        second, alone = await newcomer()
        await back(valkey)
        await found_again(replicas)
        known = await admitted(second)
        _, third = await undisturbed(replicas, newcomer)
    report(
        f"a limit of {LIMIT} over 4 replicas lets {shared} through; Redis {happens.__name__}: {refused} more of the same "
        f"client, {alone} of another one; afterwards {known} more of that one, {third} of a third"
    )
    assert shared == LIMIT
    # Whoever was at the limit stays there; each process counts anybody else by itself.
    assert (refused, alone) == (0, 4 * LIMIT)
    # What they counted alone, Redis is told; and all count together again.
    assert (known, third) == (0, LIMIT)


def addressed(replicas: Replicas, address: str) -> list[httpx.AsyncClient]:
    transports = (httpx.AsyncHTTPTransport(local_address=address) for _ in replicas.urls)
    return [
        httpx.AsyncClient(base_url=url, transport=transport, timeout=10)
        for url, transport in zip(replicas.urls, transports, strict=True)
    ]
