"""Without the broker nothing runs and nothing is lost: requests and schedules go on writing down what is to be done."""

import asyncio
from collections import Counter
from time import monotonic

import httpx

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.outages import Change, back, killed_or_frozen
from tests.faults.servers import LastingValkey
from tests.faults.traffic import KINDS, MODULES, Traffic, sign_in
from tests.faults.web import Replicas

RATE = 10
CONSUMES_AGAIN = 10.0
TICKS = "SELECT count(*) FROM seamark.task WHERE schedule = 'probe.tick' AND due_at BETWEEN $1 AND $2"


@killed_or_frozen
async def test_what_is_enqueued_and_what_is_due_meanwhile_runs_once_afterwards(
    happens: Change, faults: Faults, valkey: LastingValkey, report: Report, long: bool
) -> None:
    seconds = 60 if long else 8
    enqueuing = [kind for kind in KINDS if kind.name == "enqueue"]
    await faults.worker()
    faults.beat("beat")
    await faults.until(lambda: faults.fetchval("SELECT count(*) > 0 FROM effect WHERE key = 'tick'"))
    async with (
        Replicas(faults.trial, 2) as replicas,
        Traffic(replicas.clients, "", rate=RATE, kinds=enqueuing) as traffic,
    ):
        held = await faults.enqueue("hold", key="held")
        await faults.until(lambda: faults.begun("held"))
        await happens(valkey)
        broken = await faults.fetchval("SELECT now()")
        # What runs already needs no broker to get done.
        await faults.release("held")
        await faults.until(lambda: faults.ended(held))
        await traffic.during("outage", seconds)
        mended = await faults.fetchval("SELECT now()")
        waiting = await faults.fetchval("SELECT count(*) FROM seamark.task WHERE state = 'queued'")
        await back(valkey)
        returned = monotonic()
        await faults.until(lambda: faults.fetchval("SELECT max(at) > $1 FROM effect", mended))
        again = monotonic() - returned
        await traffic.during("after", 2)
    faults.kill("beat")
    await faults.until(faults.drained)
    due = await faults.fetchval(TICKS, broken, mended)
    effects = Counter(await faults.effects())
    report(
        f"broker {happens.__name__} for {seconds} s: {len(traffic.failed('outage'))} of {len(traffic.of('outage'))} requests "
        f"that enqueue failed, {due} due times were written, {waiting} tasks waited; consuming again after {again:.1f} s"
    )
    assert not traffic.failed("outage", "after")
    assert {answer.label: effects[answer.label] for answer in traffic.answers} == {
        answer.label: 1 for answer in traffic.answers
    }
    assert due >= seconds - 2
    assert effects["held"] == 1
    assert effects["tick"] == await faults.fetchval("SELECT count(*) FROM seamark.task WHERE schedule = 'probe.tick'")
    assert again <= CONSUMES_AGAIN


async def test_the_health_page_says_so_and_stays_up(faults: Faults, valkey: LastingValkey) -> None:
    async with Replicas(faults.trial, 1, {"SM_MODULES_ENABLED": MODULES}) as replicas:
        client = replicas.clients[0]
        cookie = {"cookie": await sign_in(client)}

        async def without_redis() -> httpx.Response | None:
            answer = await client.get("/admin/health", headers=cookie)
            return answer if statuses(answer)["seamark.redis"] != "ok" else None

        valkey.kill()
        try:
            # Not at once: what a process has just asked by itself serves for a second.
            answer = await faults.until(without_redis, 5)
            ready = await client.get("/health/ready")
        finally:
            await asyncio.to_thread(valkey.start)
    checks = statuses(answer)
    assert (ready.status_code, answer.status_code, answer.json()["status"]) == (200, 200, "degraded")
    assert (checks["seamark.database"], checks["seamark.redis"]) == ("ok", "degraded")


def statuses(answer: httpx.Response) -> dict[str, str]:
    return {check["name"]: check["status"] for check in answer.raise_for_status().json()["checks"]}
