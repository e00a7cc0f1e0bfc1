"""What works goes on while something does not: a module, Postgres, Redis, the pool; and everybody can see what it is."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest
from framework.embedded.ports import free_port
from framework.health.readiness import WITHIN
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey
from tests.faults.traffic import MODULES, UNHURRIED, sign_in
from tests.faults.web import Replicas

SETTINGS = {"SM_MODULES_ENABLED": MODULES, "SM_RATE_LIMITS": UNHURRIED}
OTHERS = ("/health", "/health/ready", "/api/app", "/contacts", "/api/contacts", "/api/background_tasks/tasks")
PROBES = 50


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Where this file is, the probe's part is broken."""
    return tmp_path / "broken"


@pytest.fixture
async def one(prepared: Trial, faults: Faults, broken: Path) -> AsyncIterator[Replicas]:
    async with started(prepared, 1, broken) as replicas:
        yield replicas


@pytest.fixture
async def two(prepared: Trial, faults: Faults, broken: Path) -> AsyncIterator[Replicas]:
    async with started(prepared, 2, broken) as replicas:
        yield replicas


@asynccontextmanager
async def started(prepared: Trial, number: int, broken: Path) -> AsyncIterator[Replicas]:
    async with Replicas(prepared, number, {**SETTINGS, "PROBE_BROKEN": str(broken)}) as replicas:
        cookie = await sign_in(replicas.clients[0])
        for client in replicas.clients:
            client.headers["cookie"] = cookie
        yield replicas


async def test_a_module_that_does_not_work_is_closed_while_the_others_live_and_opens_by_itself(
    two: Replicas, faults: Faults, broken: Path, report: Report
) -> None:
    first, second = two.clients
    await faults.until(lambda: statuses(two, "/api/probe/lag", 200))
    await faults.until(lambda: changes(faults, []))

    broken.touch()  # noqa: ASYNC240 - one file
    began = perf_counter()
    await faults.until(lambda: statuses(two, "/api/probe/lag", 503))
    closed_after = perf_counter() - began
    refused = await first.get("/api/probe/lag")
    assert (refused.json()["code"], refused.json()["module"]) == ("module.unavailable", "probe")
    assert int(refused.headers["retry-after"]) > 0
    assert (await first.get("/api/app")).json()["unavailable"] == ["probe"]
    others = Counter([(await client.get(path)).status_code for client in two.clients for path in OTHERS * 5])
    told = (await first.get("/admin/health")).json()
    (part,) = [check for check in told["checks"] if check["name"] == "probe.part"]
    assert (told["status"], part["remark"], part["affects"]) == (
        "degraded",
        "the part is broken",
        "Nothing of the probe.",
    )
    await faults.until(lambda: changes(faults, ["degraded"]))

    broken.unlink()  # noqa: ASYNC240 - one file
    began = perf_counter()
    await faults.until(lambda: statuses(two, "/api/probe/lag", 200))
    open_after = perf_counter() - began
    await faults.until(lambda: changes(faults, ["degraded", "ok"]))
    assert (await second.get("/api/app")).json()["unavailable"] == []
    listed = (await first.get("/api/admin/health/changes?q=probe.part")).json()["items"]
    report(
        f"module with a failing check, 2 replicas: closed after {closed_after:.1f} s, open {open_after:.1f} s after the "
        f"repair; of {others.total()} requests to the others meanwhile {others.total() - others[200]} failed; "
        f"{len(listed)} changes kept"
    )
    assert others == {200: others.total()}
    assert [change["status"] for change in listed] == ["ok", "degraded"]


async def test_fifty_who_ask_at_once_have_each_check_run_once(one: Replicas, faults: Faults, report: Report) -> None:
    client = one.clients[0]
    # What was found last is older than what is cached, and the process itself asks only the one that closes a module.
    await asyncio.sleep(1.1)
    before = await runs(client)
    began = perf_counter()
    answers = await asyncio.gather(*(client.get("/admin/health") for _ in range(PROBES)))
    took = perf_counter() - began
    ready = await asyncio.gather(*(client.get("/health/ready") for _ in range(PROBES)))
    counted = await runs(client) - before
    report(
        f"{PROBES} of /admin/health at once: {took:.2f} s with a check that hangs for 1 s; runs {dict(sorted(counted.items()))}"
    )
    assert {answer.status_code for answer in [*answers, *ready]} == {200}
    # Mostly once; on a busy machine the last of them find that the answer is too old, and the process asks by itself, too.
    assert max(counted.values()) <= PROBES / 10
    for check in answers[0].json()["checks"]:
        if check["name"] != "probe.hangs":
            assert check["status"] == "ok" or "no answer" not in check["remark"], check


async def test_without_postgres_readiness_says_no_at_once_and_liveness_goes_on(
    one: Replicas, faults: Faults, report: Report
) -> None:
    client = one.clients[0]
    assert (await client.get("/health/ready")).status_code == 200
    await asyncio.to_thread(faults.trial.postgres.stop)
    try:
        began = perf_counter()
        ready = await client.get("/health/ready")
        took = perf_counter() - began
        live = Counter([(await client.get("/health")).status_code for _ in range(PROBES)])
    finally:
        await asyncio.to_thread(faults.trial.postgres.start)
    began = perf_counter()
    await faults.until(lambda: statuses(one, "/health/ready", 200))
    back = perf_counter() - began
    report(
        f"Postgres stopped: not ready after {took * 1000:.0f} ms, {live[200]} of {PROBES} liveness probes 200; "
        f"ready {back:.2f} s after it is back"
    )
    assert (ready.status_code, ready.json()) == (503, {"status": "unavailable"})
    # Sooner than it would give up a Postgres that hangs.
    assert took < WITHIN
    assert live == {200: PROBES}


async def test_readiness_needs_no_connection_of_the_requests(prepared: Trial, faults: Faults, report: Report) -> None:
    async with Replicas(prepared, 1, {**SETTINGS, "SM_DATABASE_POOL_SIZE": "1"}) as replicas:
        client = replicas.clients[0]
        holding = asyncio.create_task(client.get("/api/probe/hang/in-a-statement?seconds=20"))
        await faults.until(lambda: held(faults))
        ready = Counter([(await client.get("/health/ready")).status_code for _ in range(PROBES)])
        busy = not holding.done()
        holding.cancel()
        # Not told to end: it would wait for the statement.
        faults.kill(replicas.names[0])
    report(f"pool exhausted: {ready[200]} of {PROBES} readiness probes 200")
    assert busy
    assert ready == {200: PROBES}


async def test_without_redis_all_is_ready_and_degraded(
    one: Replicas, faults: Faults, valkey: LastingValkey, report: Report
) -> None:
    client = one.clients[0]
    valkey.kill()
    try:
        await faults.until(lambda: says(client, "seamark.redis", "degraded"))
        ready = Counter([(await client.get("/health/ready")).status_code for _ in range(PROBES)])
        health = await client.get("/admin/health")
    finally:
        await asyncio.to_thread(valkey.start)
    report(f"Redis killed: {ready[200]} of {PROBES} readiness probes 200, health {health.json()['status']}")
    assert ready == {200: PROBES}
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    await faults.until(lambda: says(client, "seamark.redis", "ok"))


async def test_an_optional_module_that_does_not_start_is_closed_and_the_others_start(
    prepared: Trial, faults: Faults
) -> None:
    async with Replicas(prepared, 1, {**SETTINGS, "PROBE_DOES_NOT_START": "1", "PROBE_OPTIONAL": "1"}) as replicas:
        client = replicas.clients[0]
        client.headers["cookie"] = await sign_in(client)
        found = {path: (await client.get(path)).status_code for path in (*OTHERS, "/api/probe/lag")}
        assert found == {**dict.fromkeys(OTHERS, 200), "/api/probe/lag": 503}
        assert (await client.get("/api/app")).json()["unavailable"] == ["probe"]
        assert await says(client, "probe.lifespan", "degraded")


async def test_any_other_module_that_does_not_start_keeps_the_process_from_starting(
    prepared: Trial, faults: Faults
) -> None:
    process = prepared.start(
        "refused",
        *("-m", "uvicorn", "host.main:app", "--port", str(free_port())),
        environment={**SETTINGS, "PROBE_DOES_NOT_START": "1"},
    )
    try:
        assert await asyncio.to_thread(process.wait, 60) != 0
    except subprocess.TimeoutExpired:
        pytest.fail("it serves without the module")
    assert "the probe cannot start" in prepared.log("refused").read_text()


async def statuses(replicas: Replicas, path: str, status: int) -> bool:
    return all([(await client.get(path)).status_code == status for client in replicas.clients])


async def changes(faults: Faults, expected: list[str]) -> bool:
    async with faults.application.database.driver_connection() as connection:
        rows = await connection.fetch(
            "SELECT status FROM seamark.health_change WHERE check_name = 'probe.part' ORDER BY at"
        )
    return [row["status"] for row in rows] == expected


async def says(client: httpx.AsyncClient, check: str, status: str) -> bool:
    told: list[dict[str, Any]] = (await client.get("/admin/health")).json()["checks"]
    return {"name": check, "status": status}.items() <= next(each for each in told if each["name"] == check).items()


async def held(faults: Faults) -> bool:
    async with faults.application.database.driver_connection() as connection:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
            )
        )


async def runs(client: httpx.AsyncClient) -> Counter[str]:
    text = (await client.get("/admin/metrics")).text
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("seamark_health_runs_total{"):
            found[line.partition('check="')[2].partition('"')[0]] = round(float(line.rpartition(" ")[2]))
    return found
