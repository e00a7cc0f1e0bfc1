"""Calls of real web processes and workers to a service whose network fails in every way there is."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic

import httpx
import pytest
from host.testing.service import Service, answer, silence
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.proxy import LOOPBACK, Connection, FaultProxy, Towards
from tests.faults.web import Replicas

DEADLINE = 3.0
"""Seconds: of the probe's route and the soft limit of its task."""
BUSY_MACHINE = 3.0
"""Seconds that this machine may take for what takes none."""


def allowing(*ports: int) -> dict[str, str]:
    return {"SM_OUTGOING_ALLOWED": ",".join(f"{LOOPBACK}:{port}" for port in ports)}


@dataclass(frozen=True)
class Answered:
    status: int
    code: str
    seconds: float


async def ask(client: httpx.AsyncClient, port: int, method: str = "GET") -> Answered:
    began = monotonic()
    response = await client.request(method, "/api/probe/call", params={"url": f"http://{LOOPBACK}:{port}/"})
    code = response.json()["code"] if response.is_error else ""
    return Answered(response.status_code, code, monotonic() - began)


def latency(proxy: FaultProxy) -> None:
    proxy.latency = 0.2


def black_hole(proxy: FaultProxy) -> None:
    proxy.swallow()


def reset(proxy: FaultProxy) -> None:
    """As soon as the service was asked."""

    def watch(connection: Connection, towards: Towards, _: bytes) -> None:
        if towards is Towards.SERVER:
            connection.reset()

    proxy.watch = watch


def cut(proxy: FaultProxy) -> None:
    """In the middle of what it answers."""

    def watch(connection: Connection, towards: Towards, _: bytes) -> None:
        if towards is Towards.CLIENT:
            connection.cut_after(60, Towards.CLIENT)

    proxy.watch = watch


FAULTS: tuple[tuple[Callable[[FaultProxy], None], int, str], ...] = (
    (latency, 200, ""),
    (black_hole, 504, "outgoing.timeout"),
    (reset, 502, "outgoing.unavailable"),
    (cut, 502, "outgoing.unavailable"),
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_each_fault_has_its_answer_in_time(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report, long: bool
) -> None:
    service = await stack.enter_async_context(Service(answer(200, b"x" * 100)))
    proxies = [await stack.enter_async_context(FaultProxy(service.port)) for _ in FAULTS]
    replicas = Replicas(prepared, 1, allowing(*(proxy.port for proxy in proxies)))
    client = (await stack.enter_async_context(replicas)).clients[0]
    for (fault, status, code), proxy in zip(FAULTS, proxies, strict=True):
        assert (await ask(client, proxy.port)).status == 200
        fault(proxy)
        seconds = []
        # Three calls of three attempts leave the circuit breaker closed.
        for method in ("GET", "PUT", *(["GET"] if long else [])):
            answered = await ask(client, proxy.port, method)
            assert (answered.status, answered.code) == (status, code), fault.__name__
            seconds.append(answered.seconds)
        assert max(seconds) < DEADLINE + BUSY_MACHINE
        shown = ", ".join(f"{item:.2f} s" for item in seconds)
        report(f"{fault.__name__}: {status} {code or 'as usual'} after {shown}")


async def test_a_service_that_is_gone_is_refused_and_found_again(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report
) -> None:
    service = await stack.enter_async_context(Service())
    proxy = await stack.enter_async_context(FaultProxy(service.port))
    client = (await stack.enter_async_context(Replicas(prepared, 1, allowing(proxy.port)))).clients[0]
    assert (await ask(client, proxy.port)).status == 200
    await proxy.refuse()
    gone = await ask(client, proxy.port)
    assert (gone.status, gone.code) == (502, "outgoing.refused")
    await proxy.accept()
    found = await ask(client, proxy.port)
    report(
        f"gone: {gone.status} {gone.code} after {gone.seconds:.2f} s; back: {found.status} after {found.seconds:.2f} s"
    )
    assert found.status == 200


async def test_a_connection_that_is_never_made_ends_at_the_time_to_connect(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report
) -> None:
    """A listener whose queue is full, to whom the kernel answers nothing."""
    deaf = stack.enter_context(socket.socket())
    deaf.bind((LOOPBACK, 0))
    deaf.listen(0)
    port = deaf.getsockname()[1]
    for _ in range(4):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex((LOOPBACK, port))
    client = (await stack.enter_async_context(Replicas(prepared, 1, allowing(port)))).clients[0]
    # A POST, so that it is tried once.
    answered = await ask(client, port, "PUT")
    report(f"never connected: {answered.status} {answered.code} after {answered.seconds:.2f} s")
    assert (answered.status, answered.code) == (504, "outgoing.timeout")
    assert 2 <= answered.seconds < 2 + BUSY_MACHINE


async def test_a_service_that_fails_is_left_alone_by_all_processes_and_asked_again_when_it_is_well(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report, long: bool
) -> None:
    service = await stack.enter_async_context(Service(answer(500)))
    replicas = await stack.enter_async_context(Replicas(prepared, 4, allowing(service.port)))
    calls = 2000 if long else 400
    seen: Counter[str] = Counter()

    async def caller(share: int) -> None:
        for _ in range(share):
            answered = await ask(next(replicas.in_turn), service.port)
            seen[f"{answered.status} {answered.code}"] += 1

    await asyncio.gather(*(caller(calls // 8) for _ in range(8)))
    asked = len(service.asked)
    report(f"a failing service: {calls} calls of 4 processes, {asked} reached it; {dict(seen)}")
    # The ten that it takes, those that were under way by then, and a probe every few seconds.
    assert asked <= 10 + 8 + 10
    service.answers[:] = [answer(200)]
    began = monotonic()
    while (await ask(next(replicas.in_turn), service.port)).status != 200:
        # While probes fail, the breaker waits twice as long each time, for a minute at most.
        assert monotonic() - began < 60 + 5
        await asyncio.sleep(0.05)
    after = [await ask(client, service.port) for client in replicas.clients]
    report(f"well again: after {monotonic() - began:.1f} s for all four processes")
    assert {answered.status for answered in after} == {200}


async def test_a_service_that_hangs_holds_twenty_calls_of_a_process_and_no_other_service(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report
) -> None:
    hanging = await stack.enter_async_context(Service(silence))
    well = await stack.enter_async_context(Service())
    # Who waits for a turn gives up long before the first of those who hang is ended.
    environment = {**allowing(hanging.port, well.port), "SM_OUTGOING_POOL_TIMEOUT": "1"}
    client = (await stack.enter_async_context(Replicas(prepared, 1, environment))).clients[0]
    await ask(client, well.port)
    calls = [asyncio.create_task(ask(client, hanging.port, "PUT")) for _ in range(30)]
    while hanging.under_way < 20:  # noqa: ASYNC110 - what is waited for is in another process
        await asyncio.sleep(0.01)
    others = [await ask(client, well.port) for _ in range(20)]
    ended = Counter(answered.code for answered in await asyncio.gather(*calls))
    slowest = max(answered.seconds for answered in others)
    report(
        f"a hanging service: {hanging.most_under_way} of 30 calls at once, {dict(ended)};"
        f" another meanwhile: {len(others)} calls, slowest {slowest * 1000:.0f} ms"
    )
    assert hanging.most_under_way == 20
    assert ended["outgoing.busy"] == 10
    # Twenty end at one moment, with a quarter of a second to say so; on a busy machine the deadline says it of some.
    assert ended["outgoing.timeout"] > 0
    assert ended["outgoing.timeout"] + ended["request.deadline_exceeded"] == 20
    assert {answered.status for answered in others} == {200}
    assert slowest < 1


async def test_a_tasks_calls_end_within_its_soft_limit(
    prepared: Trial, faults: Faults, stack: AsyncExitStack, report: Report
) -> None:
    """So the task can say what it could not do; its limit would only say that it took too long."""
    service = await stack.enter_async_context(Service())
    proxy = await stack.enter_async_context(FaultProxy(service.port))
    await faults.worker("calling", allowing(proxy.port))
    done = await faults.enqueue("ask", url=f"http://{LOOPBACK}:{proxy.port}/")
    await faults.until(lambda: faults.ended(done))
    assert await faults.state(done) == "succeeded"
    carried = service.asked[0].headers["x-correlation-id"]
    assert carried == await faults.fetchval("SELECT correlation_id FROM seamark.task WHERE id = $1", done)
    proxy.swallow()
    began = monotonic()
    failed = await faults.enqueue("ask", url=f"http://{LOOPBACK}:{proxy.port}/")
    await faults.until(lambda: faults.ended(failed))
    seconds = monotonic() - began
    error = await faults.fetchval("SELECT error ->> 'message' FROM seamark.task_failure WHERE task_id = $1", failed)
    report(f"a task whose service hangs: {await faults.state(failed)} after {seconds:.1f} s: {error}")
    assert await faults.state(failed) == "failed"
    assert "outgoing.timeout" in error
    assert seconds < DEADLINE + 2 + BUSY_MACHINE
