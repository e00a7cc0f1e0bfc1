"""``sm web --workers``: a parent whose workers are replaced, killed, made more and fewer, while people are served."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import psutil
import pytest
from host.trial import Trial, answers

from tests.deployment.clients import CLIENTS, ENVIRONMENT, at_work, failed, tally
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.traffic import KINDS
from tests.faults.web import SM_WEB, Replicas

COMMAND = (*SM_WEB, "--workers", "2")
DELAY = "1"


@pytest.fixture
async def web(prepared: Trial, faults: Faults) -> AsyncIterator[Replicas]:
    environment = ENVIRONMENT | {"SM_DRAIN_DELAY": DELAY}
    async with Replicas(prepared, 1, environment, command=COMMAND) as web:
        await faults.until(lambda: are_ready(web, 2))
        yield web
        web.kill()


def workers(web: Replicas) -> set[int]:
    """Process ids: of those that serve, and not of what else Python starts."""
    return {child.pid for child in psutil.Process(web.pid(0)).children() if serves(child)}


def serves(child: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in child.cmdline())
    except psutil.Error:
        # It has ended.
        return False


async def are_ready(web: Replicas, number: int) -> bool:
    """Whether no more and no fewer than these have become ready since the beginning."""
    return web.log(0).count('"event":"ready"') == number


async def settled(web: Replicas, number: int, without: set[int]) -> bool:
    """Whether there are so many, and none of ``without``."""
    return len(workers(web)) == number and not workers(web) & without


async def test_reloading_and_scaling_fail_no_request(web: Replicas, faults: Faults, report: Report) -> None:
    async with at_work(web.urls[0], rate=20) as traffic:
        first = workers(web)
        os.kill(web.pid(0), signal.SIGHUP)
        await faults.until(lambda: settled(web, 2, without=first))
        os.kill(web.pid(0), signal.SIGTTIN)
        await faults.until(lambda: settled(web, 3, without=set()))
        await traffic.during("three", 3)
        os.kill(web.pid(0), signal.SIGTTOU)
        await faults.until(lambda: settled(web, 2, without=set()))
    report(f"sm web --workers 2: reloaded, scaled to 3 and back: {tally(traffic.answers)}")
    assert not failed(traffic.answers)


async def test_a_killed_worker_is_replaced_and_the_other_one_serves(
    web: Replicas, faults: Faults, report: Report, long: bool
) -> None:
    kills = 10 if long else 2
    safe = [kind for kind in KINDS if kind.method == "GET"]
    async with at_work(web.urls[0], rate=20, kinds=safe) as traffic:
        for _ in range(kills):
            killed = min(workers(web))
            os.kill(killed, signal.SIGKILL)
            await faults.until(lambda killed=killed: settled(web, 2, without={killed}))  # type: ignore[misc]
        await traffic.during("after", 2)
    report(f"sm web --workers 2: {kills} times a worker killed, nothing in front: {tally(traffic.answers)}")
    # What it had in hand is lost where nothing in front repeats it.
    assert len(failed(traffic.answers)) <= CLIENTS * kills
    assert not traffic.failed("after")


async def test_sigterm_is_heard_during_a_reload(web: Replicas, faults: Faults) -> None:
    os.kill(web.pid(0), signal.SIGHUP)
    await faults.until(lambda: settled(web, 3, without=set()))
    os.kill(web.pid(0), signal.SIGTERM)
    process = web.trial.processes[web.names[0]]
    assert await asyncio.to_thread(process.wait, 60) == 0
    # The successor was not waited for.
    assert await are_ready(web, 2)


async def test_workers_whose_parent_is_killed_end_and_free_the_port(web: Replicas, faults: Faults) -> None:
    orphans = workers(web)
    os.kill(web.pid(0), signal.SIGKILL)
    await faults.until(lambda: gone(orphans))
    assert not answers(f"{web.urls[0]}/health")


async def gone(pids: set[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


async def test_what_cannot_start_ends(prepared: Trial) -> None:
    process = prepared.start("web-broken", *COMMAND, "--port", "1", environment={"SM_DATABASE_URL": "nonsense"})
    assert await asyncio.to_thread(process.wait, 60) != 0
    prepared.leash.release(process.pid)
    del prepared.processes["web-broken"]
