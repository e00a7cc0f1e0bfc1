"""Whatever happens to the broker: workers consume again soon and by themselves, and requests notice nothing."""

import asyncio
import signal
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic, perf_counter

import httpx
import pytest
from host.trial import Trial
from redis.asyncio import Redis

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey

SOON = 10.0
REQUESTS = 150
WARM_UP = 50

type Break = Callable[[LastingValkey, float], Awaitable[None]]


async def restarted(valkey: LastingValkey, seconds: float) -> None:
    valkey.kill()
    await asyncio.to_thread(valkey.start)


async def gone(valkey: LastingValkey, seconds: float) -> None:
    valkey.kill()
    valkey.forget()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(valkey.start)


async def frozen(valkey: LastingValkey, seconds: float) -> None:
    valkey.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    valkey.send(signal.SIGCONT)


async def reset(valkey: LastingValkey, seconds: float) -> None:
    async with Redis.from_url(valkey.url()) as redis:
        await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("happens", [restarted, gone, frozen, reset], ids=lambda happens: happens.__name__)
async def test_workers_consume_again_without_a_restart(
    happens: Break, faults: Faults, valkey: LastingValkey, report: Report, long: bool
) -> None:
    pid = await faults.worker()
    seconds = 30 if long else 8
    meanwhile = [await faults.enqueue("note", key=f"before {number}") for number in range(5)]
    await happens(valkey, seconds)
    began = monotonic()
    meanwhile += [await faults.enqueue("note", key=f"after {number}") for number in range(5)]
    for task_id in meanwhile:
        await faults.until(lambda task_id=task_id: faults.ended(task_id))  # type: ignore[misc]
    took = monotonic() - began
    report(f"Redis {happens.__name__}: consuming again after {took:.1f} s, the worker's process is the same")
    assert took <= SOON
    assert faults.trial.processes["worker"].poll() is None
    assert faults.trial.processes["worker"].pid == pid
    assert sorted(set(await faults.effects())) == sorted(await faults.effects())


@pytest.fixture
async def web(prepared: Trial) -> AsyncIterator[httpx.AsyncClient]:
    prepared.start_web()
    async with httpx.AsyncClient(base_url=prepared.url, timeout=10) as client:
        yield client


async def test_a_request_that_enqueues_is_as_fast_without_the_broker(
    web: httpx.AsyncClient, faults: Faults, valkey: LastingValkey, report: Report
) -> None:
    await median(web, WARM_UP)
    before = await median(web)
    valkey.send(signal.SIGSTOP)
    hung = await median(web)
    valkey.send(signal.SIGCONT)
    valkey.kill()
    stopped = await median(web)
    valkey.start()
    after = await median(web)
    report(
        f"POST that enqueues, median of {REQUESTS}: {before:.2f} ms before, {hung:.2f} ms with Redis frozen, "
        f"{stopped:.2f} ms with it stopped, {after:.2f} ms afterwards"
    )
    # What two runs of the same may differ by on a machine that does other things, too. Who asked Redis would wait for a
    # tenth of a second at least.
    usual = 3 * max(before, after) + 10
    assert hung <= usual
    assert stopped <= usual
    assert await faults.fetchval("SELECT count(*) FROM seamark.task") == WARM_UP + 4 * REQUESTS


async def median(web: httpx.AsyncClient, requests: int = REQUESTS) -> float:
    """Milliseconds."""
    seconds = []
    for number in range(requests):
        began = perf_counter()
        answer = await web.post("/api/probe/notes", json={"key": str(number)})
        seconds.append(perf_counter() - began)
        assert answer.status_code == 202, answer.text
    return 1000 * statistics.median(seconds)
