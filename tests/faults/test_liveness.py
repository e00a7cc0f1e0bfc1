"""A worker is alive while it consumes, and one that does not although tasks wait gives itself up."""

import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter, time

from background_tasks.broker import configuration
from background_tasks.worker.alive import LONGEST_SILENCE
from background_tasks.worker.liveness import SOFTWARE_ERROR
from celery import Celery

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.proxy import FaultProxy

SM = Path(sys.executable).with_name("sm")
PROBES = 9
STALE_AFTER = 3.0
SOON = 10.0


async def test_the_probe_tells_a_worker_that_consumes_from_one_that_is_frozen(faults: Faults, report: Report) -> None:
    await faults.worker("alone")
    environment = faults.trial.environment
    folder = Path(environment["TMPDIR"]) / f"seamark-{os.getuid()}"
    (file,) = await faults.until(lambda: files(folder, "alone@*.alive"))
    long_ago = time() - LONGEST_SILENCE - 1
    os.utime(file, (long_ago, long_ago))
    # Who consumes says so again within a second or two.
    await faults.until(lambda: is_alive(environment))
    took = [await timed(environment) for _ in range(PROBES)]
    faults.send("alone", signal.SIGSTOP)
    os.utime(file, (long_ago, long_ago))
    frozen = await is_alive(environment)
    report(
        f"sm worker-alive: {1000 * statistics.median(took):.0f} ms of CPU time (median of {PROBES}, least {1000 * min(took):.0f}); "
        f"a frozen worker is {'alive' if frozen else 'not alive'} after {LONGEST_SILENCE:.0f} s"
    )
    assert not frozen
    assert min(took) < 0.1


async def test_a_worker_that_no_longer_hears_its_queue_ends_itself(faults: Faults, report: Report) -> None:
    await faults.worker("deaf", {"SM_BACKGROUND_TASKS_STALE_AFTER": str(STALE_AFTER)})
    app = Celery(set_as_current=False)
    app.conf.update(configuration(faults.application.settings))
    # By Celery's own remote control: all else of it works on, and its relay publishes.
    await asyncio.to_thread(app.control.cancel_consumer, "default")
    await faults.until(lambda: faults.says("deaf", "Canceling queue default"))
    began = perf_counter()
    task_id = await faults.enqueue("note", key="a")
    status = await asyncio.to_thread(faults.trial.processes["deaf"].wait, 60)
    took = perf_counter() - began
    await faults.worker("next")
    await faults.until(lambda: faults.ended(task_id))
    report(f"deaf worker: ended itself {took:.1f} s after a task waited (limit {STALE_AFTER:g} s), status {status}")
    assert status == SOFTWARE_ERROR
    assert STALE_AFTER <= took <= STALE_AFTER + SOON
    assert await faults.effects() == ["a"]


async def test_a_worker_whose_connections_fall_silent_makes_new_ones(faults: Faults, report: Report) -> None:
    """As when a firewall forgets them: no end, no error, and nothing arrives."""
    async with FaultProxy(faults.trial.valkey.port) as proxy:
        url = faults.trial.environment["SM_REDIS_URL"].replace(str(proxy.server_port), str(proxy.port))
        pid = await faults.worker("alone", {"SM_REDIS_URL": url})
        await faults.until(lambda: listening(proxy))
        for connection in proxy.connections:
            connection.swallow()
        began = perf_counter()
        task_id = await faults.enqueue("note", key="a")
        await faults.until(lambda: faults.ended(task_id))
        took = perf_counter() - began
        report(f"silent connections: consuming again after {took:.1f} s, the worker's process is the same")
        assert took <= SOON
        assert faults.trial.processes["alone"].poll() is None
        assert faults.trial.processes["alone"].pid == pid
        faults.kill("alone", family=True)


async def files(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))  # noqa: ASYNC240 - a few files


async def listening(proxy: FaultProxy) -> bool:
    return any(proxy.sending(b"BRPOP"))


async def is_alive(environment: Mapping[str, str]) -> bool:
    return await _probe(environment) == 0


async def timed(environment: Mapping[str, str]) -> float:
    """Seconds that it computes: how long it waits for its turn is up to the others on the machine."""
    before = computed()
    assert await _probe(environment) == 0
    return computed() - before


def computed() -> float:
    """By children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def _probe(environment: Mapping[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(
        SM, "worker-alive", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return await process.wait()
