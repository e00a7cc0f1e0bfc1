"""A request that takes too long is ended in time, and its query with it, also where the network swallows everything."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import TABLES
from tests.faults.proxy import Connection, FaultProxy, Towards
from tests.faults.web import Replicas

DEADLINE = 2.0
"""Seconds: of the probe's routes."""
GONE = 1.0
"""Seconds after the deadline by which nothing of it may run any more."""
BUSY_MACHINE = 3.0
"""Seconds that this machine may take for what takes none. What is not ended in time goes on for longer than that."""
POOL_WAIT = 2.0
# One address asks for more than its share here.
NO_LIMITS = {"SM_RATE_LIMITS": "seamark.address=off"}


@dataclass
class Web:
    replicas: Replicas
    proxy: FaultProxy
    witness: "asyncpg.Connection[asyncpg.Record]"

    async def too_long(self) -> set[tuple[int, datetime]]:
        """Queries of the probe's that run at this moment."""
        found = await self.witness.fetch(
            "SELECT pid, query_start FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* too long */%'"
            " AND pid <> pg_backend_pid()"
        )
        return {(row["pid"], row["query_start"]) for row in found}

    async def have_begun(self, number: int) -> None:
        """Returns once so many of them ran, though on a busy machine the first may be over when the last begins."""
        seen: set[tuple[int, datetime]] = set()

        async def all_seen() -> bool:
            seen.update(await self.too_long())
            return len(seen) >= number

        await until(all_seen)

    async def none_runs(self) -> bool:
        return not await self.too_long()

    async def effects(self) -> set[str]:
        return {row["key"] for row in await self.witness.fetch("SELECT key FROM effect")}


@pytest.fixture(scope="module")
async def running(prepared: Trial) -> AsyncIterator[Web]:
    """Four processes, each of whose connections to Postgres goes through the proxy."""
    url = prepared.environment["SM_DATABASE_URL"]
    witness = await asyncpg.connect(url.replace("+asyncpg", ""))
    await witness.execute(TABLES)
    port = urlsplit(url).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        through = {"SM_DATABASE_URL": url.replace(f":{port}/", f":{proxy.port}/")}
        short = {
            "SM_DATABASE_POOL_TIMEOUT": str(POOL_WAIT),
            "SM_DATABASE_STATEMENT_TIMEOUT": "7",
            "SM_OUTGOING_READ_TIMEOUT": "7",
            "SM_REQUEST_DEADLINE": "8",
        }
        async with Replicas(prepared, 4, {**through, **short, **NO_LIMITS}) as replicas:
            yield Web(replicas, proxy, witness)
    await witness.close()


@pytest.fixture
async def web(running: Web) -> AsyncIterator[Web]:
    await running.witness.execute("DELETE FROM effect")
    yield running
    running.proxy.watch = None
    running.proxy.release()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> float:
    """Seconds until it holds."""
    began = monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it waits for other processes
            await asyncio.sleep(0.02)
    return monotonic() - began


async def timed(call: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    began = monotonic()
    answer = await call
    return answer, monotonic() - began


BRIEF = "/api/probe/hang/in-a-statement?seconds=0.1"
"""Holds a connection of the pool for a moment, so that the pool has as many as ask at once."""


@pytest.mark.parametrize("path", ["query", "query/plain", "query/late"])
@pytest.mark.parametrize("network", ["healthy", "a black hole"])
async def test_the_answer_is_a_504_in_time_and_the_query_is_gone(
    web: Web, path: str, network: str, report: Report, long: bool
) -> None:
    each = 5 if long else 3
    # Dialled while the network is well.
    await asyncio.gather(*(client.get(BRIEF) for client in web.replicas.clients for _ in range(each)))

    began = monotonic()
    calls = [
        asyncio.create_task(timed(client.get(f"/api/probe/{path}")))
        for client in web.replicas.clients
        for _ in range(each)
    ]
    await web.have_begun(len(calls))
    if network == "a black hole":
        web.proxy.swallow()
    answers = await asyncio.gather(*calls)
    await until(web.none_runs)
    gone = monotonic() - began
    slowest = max(seconds for _, seconds in answers)
    report(
        f"{path}, {network}: {len(answers)} requests with {DEADLINE:g} s, slowest answer after {slowest:.2f} s,"
        f" last query gone after {gone:.2f} s"
    )
    codes = Counter((answer.status_code, answer.json()["code"]) for answer, _ in answers)
    assert codes == {(504, "request.deadline_exceeded"): len(calls)}
    assert slowest < DEADLINE + BUSY_MACHINE
    assert gone < DEADLINE + GONE + BUSY_MACHINE
    web.proxy.release()
    # The pool has others by then.
    again = await asyncio.gather(*(client.get(BRIEF) for client in web.replicas.clients))
    assert {answer.status_code for answer in again} == {200}


async def test_a_504_changed_nothing_and_a_200_did(web: Web, report: Report, long: bool) -> None:
    """Around the deadline, where cancellation and COMMIT meet."""
    number, seed = (2000 if long else 120), random.randrange(1 << 30)
    chance = random.Random(seed)
    moments = {f"effect {index}": chance.uniform(-0.002, 0.02) for index in range(number)}
    # And one of which nobody can doubt what becomes of it, on either side.
    moments |= {"too late": -0.5, "in time": DEADLINE / 2}
    # Not more than the pools hold: who waits there is ended before it has written anything.
    room = asyncio.Semaphore(20)

    async def one(key: str, left: float) -> tuple[str, int, str]:
        async with room:
            answer = await next(web.replicas.in_turn).post(
                "/api/probe/effects", json={"key": key}, params={"left": left}
            )
        return key, answer.status_code, answer.json()["code"] if answer.status_code != 200 else ""

    answers = await asyncio.gather(*(one(key, left) for key, left in moments.items()))
    effects = await web.effects()
    counts = Counter((status, code, key in effects) for key, status, code in answers)
    report(f"COMMIT against the deadline, seed {seed}: {dict(counts)}")
    assert {kind for kind in counts if kind[0] == 504} <= {(504, "request.deadline_exceeded", False)}
    assert {kind for kind in counts if kind[0] == 200} <= {(200, "", True)}
    assert counts[504, "request.deadline_exceeded", False]
    assert counts[200, "", True]
    assert {status for _, status, _ in answers} <= {200, 504, 503}


async def test_a_commit_that_is_never_answered_is_in_doubt_and_no_504(web: Web, report: Report, long: bool) -> None:
    # As many at once as have connections: who waits for one is ended without a COMMIT.
    rounds, at_once = (10 if long else 1), 20
    number = rounds * at_once
    swallowed: list[Connection] = []

    def lose_answer(connection: Connection, towards: Towards, piece: bytes) -> None:
        if towards is Towards.CLIENT and b"COMMIT" in piece and b"COMMIT" in connection.last[Towards.SERVER]:
            swallowed.append(connection)
            connection.swallow()

    web.proxy.watch = lose_answer
    answers = []
    for round_ in range(rounds):
        calls = (
            timed(next(web.replicas.in_turn).post("/api/probe/effects", json={"key": f"lost {round_} {index}"}))
            for index in range(at_once)
        )
        answers += await asyncio.gather(*calls)
    codes = Counter((answer.status_code, answer.json()["code"]) for answer, _ in answers)
    slowest = max(seconds for _, seconds in answers)
    report(f"COMMIT unanswered: {dict(codes)}, {len(await web.effects())} took effect, answered after {slowest:.2f} s")
    assert codes == {(503, "request.outcome_unknown"): number}
    # A process commits what is its own now and then, too.
    assert len(swallowed) >= number
    assert len(await web.effects()) == number
    assert slowest < 5 + BUSY_MACHINE


async def test_an_empty_pool_is_a_503_in_time_and_never_a_hang(web: Web, report: Report) -> None:
    client, number = web.replicas.clients[1], 25
    # As many as one module gets of a pool of ten.
    holding = [asyncio.create_task(client.get("/api/probe/query/usual")) for _ in range(7)]
    await web.have_begun(7)
    answers = await asyncio.gather(*(timed(client.get("/api/probe/query/usual")) for _ in range(number)))
    await asyncio.gather(*holding)
    slowest = max(seconds for _, seconds in answers)
    codes = Counter((answer.status_code, answer.json()["code"]) for answer, _ in answers)
    report(f"empty pool: {dict(codes)} after {slowest:.2f} s at most, {POOL_WAIT:g} s is the wait")
    assert codes == {(503, "database.busy"): number}
    assert all(0 < int(answer.headers["retry-after"]) <= 5 for answer, _ in answers)
    assert slowest < POOL_WAIT + BUSY_MACHINE


async def test_a_lock_that_somebody_holds_is_a_503_that_says_when_to_come_back(
    web: Web, prepared: Trial, report: Report
) -> None:
    environment = {"SM_DATABASE_STATEMENT_TIMEOUT": "2", **NO_LIMITS}
    async with Replicas(prepared, 1, environment) as replicas, web.witness.transaction():
        await web.witness.execute("LOCK TABLE effect")
        locked, waited = await timed(replicas.clients[0].post("/api/probe/locks"))
        slow, ran = await timed(replicas.clients[0].get("/api/probe/query/usual"))
    report(f"statement 2 s: {locked.json()['code']} after {waited:.2f} s, {slow.json()['code']} after {ran:.2f} s")
    assert (locked.status_code, locked.json()["code"]) == (503, "database.locked")
    assert int(locked.headers["retry-after"]) > 0
    assert 1 <= waited < 1 + BUSY_MACHINE
    assert (slow.status_code, slow.json()["code"]) == (504, "database.statement_timeout")
    assert 2 <= ran < 2 + BUSY_MACHINE


async def test_the_queries_of_a_process_that_was_killed_are_gone(web: Web, prepared: Trial, report: Report) -> None:
    async with Replicas(prepared, 1, NO_LIMITS) as replicas:
        calls = [asyncio.create_task(replicas.clients[0].get("/api/probe/query/usual")) for _ in range(5)]
        await web.have_begun(len(calls))
        prepared.processes[replicas.names[0]].kill()
        gone = await until(web.none_runs)
        await asyncio.gather(*calls, return_exceptions=True)
    report(f"process killed in {len(calls)} queries: all gone after {gone:.2f} s")
    assert gone < GONE + BUSY_MACHINE


async def test_what_a_client_does_not_wait_for_is_done_all_the_same(web: Web) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await web.replicas.clients[0].post(
            "/api/probe/effects", json={"key": "gone"}, params={"seconds": 0.5}, timeout=httpx.Timeout(10, read=0.2)
        )
    await until(lambda: _has(web, "gone"))


async def _has(web: Web, key: str) -> bool:
    return key in await web.effects()
