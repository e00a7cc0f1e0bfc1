"""Without Postgres nothing is true, so nothing is claimed: a quick 503 with a code, and what needs no data as ever."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import monotonic

import httpx
import psutil
import pytest
from framework.embedded import EmbeddedPostgres
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.traffic import MODULES, UNHURRIED, Answer, Traffic, sign_in
from tests.faults.web import Replicas

RATE = 40
DEADLINE = 3
RECOVERED = 5.0
READY = 2.0
SLACK = 2.0
"""Seconds that a busy machine may be late."""
IN_DOUBT = "request.outcome_unknown"
NEEDS_NO_DATA = ("liveness", "page", "file")

type Happening = tuple[Callable[[EmbeddedPostgres], Awaitable[None]], Callable[[EmbeddedPostgres], Awaitable[None]]]


async def stop(postgres: EmbeddedPostgres) -> None:
    await asyncio.to_thread(postgres.stop)


async def start(postgres: EmbeddedPostgres) -> None:
    await asyncio.to_thread(postgres.start)


async def freeze(postgres: EmbeddedPostgres) -> None:
    for process in family(postgres):
        process.send_signal(signal.SIGSTOP)


async def thaw(postgres: EmbeddedPostgres) -> None:
    for process in family(postgres):
        process.send_signal(signal.SIGCONT)


def family(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    first = psutil.Process(postgres.pid)
    # The first one first: it would start others.
    return [first, *first.children(recursive=True)]


@pytest.fixture
async def replicas(prepared: Trial, faults: Faults) -> AsyncIterator[Replicas]:
    environment = {
        "SM_MODULES_ENABLED": MODULES,
        "SM_RATE_LIMITS": UNHURRIED,
        "SM_REQUEST_DEADLINE": str(DEADLINE),
        "SM_SILENCED_CHECKS": "SM045=shorter than what lies in it, so that the test is",
    }
    async with Replicas(prepared, 4, environment) as replicas:
        yield replicas


@pytest.mark.parametrize(
    "outage", [pytest.param((stop, start), id="stopped"), pytest.param((freeze, thaw), id="frozen")]
)
async def test_what_needs_data_says_so_at_once_and_all_else_goes_on(
    outage: Happening, replicas: Replicas, faults: Faults, report: Report, long: bool
) -> None:
    begin, end = outage
    postgres = faults.trial.postgres
    cookie = await sign_in(replicas.clients[0])
    calm, seconds = (10, 60) if long else (3, 8)
    async with Traffic(replicas.clients, cookie, rate=RATE) as traffic:
        await traffic.during("warm-up", 2)
        await traffic.during("before", calm)
        traffic.phase = "outage"
        await traffic.settled()
        await begin(postgres)
        try:
            asked = monotonic()
            readiness = [await client.get("/health/ready") for client in replicas.clients[:1]]
            took = monotonic() - asked
            for path in ("/admin/health", "/admin/metrics"):
                watched = await replicas.clients[0].get(path)
                assert watched.status_code == (503 if begin is stop else 504)
            await traffic.during("outage", seconds)
        finally:
            traffic.phase = "recovery"
            await end(postgres)
        back = monotonic()
        await faults.until(lambda: serve(replicas, cookie))
        recovered = monotonic() - back
        await traffic.during("after", calm)
    meanwhile = traffic.of("outage", "recovery")
    quiet = [answer for answer in meanwhile if answer.kind.name in NEEDS_NO_DATA]
    other = [answer for answer in meanwhile if answer.kind.name not in NEEDS_NO_DATA]
    refused = [answer for answer in other if answer.status >= 400 or not answer.status]
    slowest = max(answer.seconds for answer in refused)
    report(
        f"Postgres {begin.__name__} for {seconds} s, 4 replicas: {len(bad(quiet))} of {len(quiet)} requests that need no "
        f"data failed; of {len(other)} others {dict(Counter((a.status, a.code) for a in other))}, the slowest refusal after "
        f"{slowest:.1f} s; not ready after {took:.1f} s; back after {recovered:.2f} s"
    )
    assert not bad(quiet)
    assert not traffic.failed("before", "after")
    assert [answer.status_code for answer in readiness] == [503]
    assert took <= READY + SLACK
    assert refused
    for answer in refused:
        assert (answer.status, answer.code) in ANSWERS, answer
        # Nobody is told to send again what may have taken effect.
        assert answer.status == 504 or answer.code == IN_DOUBT or int(answer.retry_after) >= 1, answer
    assert slowest <= DEADLINE + SLACK
    assert recovered <= RECOVERED
    await hold_each_write_once(traffic, replicas, faults)


ANSWERS = {
    (503, "database.busy"),
    (503, "database.unavailable"),
    (503, IN_DOUBT),
    # It hangs, or a busy machine takes long to end what it had.
    (504, "request.deadline_exceeded"),
}


def bad(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status != 200]


async def serve(replicas: Replicas, cookie: str) -> bool:
    answers = await asyncio.gather(
        *(client.get("/api/contacts", headers={"cookie": cookie}) for client in replicas.clients)
    )
    return all(answer.status_code == 200 for answer in answers)


async def hold_each_write_once(traffic: Traffic, replicas: Replicas, faults: Faults) -> None:
    """Once whoever was refused has asked again with the same key: whether the first time took effect or not."""
    writes = [answer for answer in traffic.answers if answer.kind.name == "write"]
    again = [answer for answer in writes if answer.status != 201]
    repeated = [await traffic.ask(replicas.clients[0], answer.kind, answer.label) for answer in again]
    assert {answer.status for answer in repeated} <= {201}
    names = [row["name"] for row in await faults.fetch("SELECT name FROM contacts.contact")]
    counted = Counter(names)
    assert all(counted[answer.label] == 1 for answer in writes)


async def test_a_stream_ends_and_can_be_opened_again(replicas: Replicas, faults: Faults) -> None:
    client = replicas.clients[0]
    headers = {"cookie": await sign_in(client)}
    # No worker runs, so this one is never over.
    upload = {"file": ("people.csv", b"name,email\nAda,ada@example.test\n", "text/csv")}
    started = await client.post("/api/contacts/imports", files=upload, headers=headers)
    events = f"/api/contacts/imports/{started.json()['id']}/events"
    async with client.stream("GET", events, headers=headers) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: progress"
        await stop(faults.trial.postgres)
        try:
            async with asyncio.timeout(DEADLINE + SLACK):
                with suppress(httpx.RemoteProtocolError):
                    async for _ in lines:
                        pass
            # By another one: the server ends that connection.
            assert (await replicas.clients[1].get(events, headers=headers)).status_code == 503
        finally:
            await start(faults.trial.postgres)
    await faults.until(lambda: serve(replicas, headers["cookie"]))
    async with replicas.clients[1].stream("GET", events, headers=headers) as stream:
        assert await anext(stream.aiter_lines()) == "event: progress"
