"""Four processes have one breaker a service; each its own while Redis does not answer, and one again afterwards."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from time import monotonic

import httpx
import pytest
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.outages import Change, back_without_memory, every_outage, found_again, losses, undisturbed
from tests.faults.servers import LastingValkey
from tests.faults.web import Replicas

PROCESSES = 4
SETTINGS = {"SM_RATE_LIMITS": "seamark.address=1000000/1"}
REFUSED = "outgoing.circuit_open"
ONE, ALL = {"probe": 1, REFUSED: 99}, {"call": 100}
"""How 100 calls end of which one is let through, and how they do once that has ended well."""
_numbers = count(1)


@pytest.fixture(scope="module")
async def replicas(prepared: Trial) -> AsyncIterator[Replicas]:
    async with Replicas(prepared, PROCESSES, SETTINGS) as replicas:
        yield replicas


class Service:
    """What the processes call, and how those calls ended: ``call``, ``probe`` or the code of the refusal."""

    def __init__(self, replicas: Replicas) -> None:
        self.replicas = replicas
        self.name = f"service-{next(_numbers)}"

    async def call(self, process: int, *, succeeds: bool, may_take: float = 20, held: str = "") -> str:
        answer = await self.replicas.clients[process].post(
            f"/api/probe/attempts/{self.name}", params={"succeeds": succeeds, "may_take": may_take, "held": held}
        )
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            return str(answer.json()["code"])
        assert answer.status_code == 200, answer.text
        return str(answer.json())

    async def calls(self, each: int, *, succeed: bool, let_through: int = 0) -> Counter[str]:
        """From all processes at once. Those ``let_through`` go on until all others have been answered."""
        held = f"{self.name}-{next(_numbers)}" if let_through else ""
        calls = [
            asyncio.create_task(self.call(process, succeeds=succeed, held=held))
            for process in range(PROCESSES)
            for _ in range(each)
        ]
        if let_through:
            before = losses(self.replicas)
            async with asyncio.timeout(20):
                # Whoever loses Redis meanwhile lets one of its own through.
                while sum(not call.done() for call in calls) > let_through and losses(self.replicas) == before:
                    await asyncio.wait(calls, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            for client in self.replicas.clients:
                await client.delete(f"/api/probe/attempts/{held}")
        return Counter(await asyncio.gather(*calls))

    async def open(self) -> None:
        """So that all processes have heard of it."""
        async with asyncio.timeout(20):
            while await self.calls(1, succeed=False) != {REFUSED: PROCESSES}:
                pass

    async def half_open(self) -> tuple[Counter[str], Counter[str]]:
        """How 100 calls end of which one is to be let through, and 100 more once it has closed the breaker."""

        async def probe() -> tuple[Counter[str], Counter[str]]:
            await self.open()
            await self.due()
            return await self.calls(25, succeed=True, let_through=1), await self.calls(25, succeed=True)

        return await undisturbed(self.replicas, probe)

    async def slowest(self) -> float:
        """Seconds of the slowest of some calls, one after another, that are all refused."""
        slowest = 0.0
        for process in [*range(PROCESSES)] * 3:
            began = monotonic()
            assert await self.call(process, succeeds=True) == REFUSED
            slowest = max(slowest, monotonic() - began)
        return slowest

    async def wait(self, process: int = 0) -> float | None:
        """Seconds until a probe is due, as this process would say; ``None`` once it is closed."""
        answer = await self.replicas.clients[process].get("/api/probe/breakers")
        waits: dict[str, float] = answer.raise_for_status().json()
        return waits.get(self.name)

    async def due(self) -> None:
        for process in range(PROCESSES):
            while await self.wait(process):  # noqa: ASYNC110 - it waits for another process
                await asyncio.sleep(0.02)


@pytest.fixture
def service(replicas: Replicas) -> Service:
    return Service(replicas)


async def test_one_of_100_calls_of_four_processes_probes(service: Service, report: Report, long: bool) -> None:
    """The tutorial's breaker, one of a process, lets 100 of 100 through."""
    for number in range(5 if long else 1):
        ends, then = await service.half_open()
        report(f"{number + 1}: of 100 calls of {PROCESSES} processes against a half-open breaker {dict(ends)}")
        # All processes know at once.
        assert (ends, then) == (ONE, ALL)


async def test_a_probe_that_is_killed_with_its_process_is_given_up(
    service: Service, replicas: Replicas, prepared: Trial, report: Report
) -> None:
    async with Replicas(prepared, 1, SETTINGS) as doomed:
        await service.open()
        await service.due()
        params: dict[str, str | int] = {"succeeds": "true", "held": "for ever", "may_take": 3}
        probe = asyncio.create_task(doomed.clients[0].post(f"/api/probe/attempts/{service.name}", params=params))
        while not await service.wait():  # noqa: ASYNC110 - it waits for another process
            await asyncio.sleep(0.02)
        os.kill(doomed.pid(0), signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await probe
    killed = monotonic()
    refused = Counter[str]()
    while (end := await service.call(refused.total() % PROCESSES, succeeds=True)) == REFUSED:
        refused[end] += 1
        await asyncio.sleep(0.05)
    took = monotonic() - killed
    report(
        f"a probe that might have taken 3 s was killed; after {took:.1f} s and {refused[REFUSED]} refusals another was let through"
    )
    assert end == "probe"
    assert took < 4 + 2


@every_outage
async def test_without_redis_one_call_of_each_process_probes(
    service: Service,
    valkey: LastingValkey,
    report: Report,
    happens: Change,
    ends: Change,
) -> None:
    await service.open()
    before = losses(service.replicas)
    await happens(valkey)
    try:
        slowest = await service.slowest()
        await service.due()
        probed = await service.calls(25, succeed=False, let_through=PROCESSES)
    finally:
        await ends(valkey)
    assert losses(service.replicas) - before >= PROCESSES
    await found_again(service.replicas)
    # A process that has reason to hold its calls back tells a Redis that knows of none.
    told = await service.calls(1, succeed=False) if ends is back_without_memory else None
    again, then = await service.half_open()
    report(
        f"Redis {happens.__name__}, then {ends.__name__}: open throughout; of 100 calls {dict(probed)}, slowest answer "
        f"{1000 * slowest:.0f} ms; with Redis again {dict(again)}"
    )
    assert probed == {"probe": PROCESSES, REFUSED: 100 - PROCESSES}
    assert (again, then) == (ONE, ALL)
    assert told in (None, {REFUSED: PROCESSES})
    # Waiting for Redis costs a tenth of a second; the rest is for a busy machine.
    assert slowest < 2
