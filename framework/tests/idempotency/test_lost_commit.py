"""The connection is lost as COMMIT is on its way: with a key the request runs again, and the key says whether it has to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.middleware import retry
from framework.routing import Router

from tests.faults.proxy import Connection, FaultProxy, Towards

from .conftest import AUTHENTICATION, Person, Witness, keyed

type Effects = Callable[[], Awaitable[int]]
type Build = Callable[..., FastAPI]


class Fault:
    """Cuts the first ``times`` connections that ask for COMMIT."""

    def __init__(self) -> None:
        self.times = 1
        self.arrives = True
        """Whether the server gets the COMMIT, and only its answer is lost."""
        self.struck = 0

    def __call__(self, connection: Connection, towards: Towards, piece: bytes) -> None:
        if towards is Towards.SERVER and b"COMMIT;" in piece and self.struck < self.times:
            self.struck += 1
            connection.cut_after(len(piece) if self.arrives else 0)


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
async def app(
    build: Build, things: Router, keys_url: str, kept: Witness, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastAPI]:
    monkeypatch.setattr(retry, "PAUSE", 0.001)
    # As late in an outage, when the number of attempts is fixed.
    monkeypatch.setattr(retry, "OUTAGE", 0.0)
    before, _, after = keys_url.partition("@")
    address, _, name = after.partition("/")
    async with FaultProxy(int(address.rpartition(":")[2])) as proxy:
        proxy.watch = fault
        yield build(things, authentication=AUTHENTICATION, database_url=f"{before}@127.0.0.1:{proxy.port}/{name}")


@pytest.mark.parametrize("arrives", [True, False], ids=["and it took effect", "and it did not"])
async def test_with_a_key_the_answer_comes_and_there_is_one_effect(
    person: Person, fault: Fault, effects: Effects, arrives: bool
) -> None:
    fault.arrives = arrives
    answer = await person().post("/api/things", json={"name": "one"}, headers=keyed())
    assert (answer.status_code, fault.struck) == (201, 1)
    assert ("idempotency-replayed" in answer.headers) is arrives
    assert await effects() == 1


async def test_without_one_nobody_knows(person: Person, effects: Effects) -> None:
    answer = await person().post("/api/things", json={"name": "one"})
    assert answer.status_code == 503
    assert await effects() == 1


async def test_a_request_of_nobody_does_not_run_again_for_its_key(person: Person, effects: Effects) -> None:
    answer = await person(None).post("/api/things/anybody", json={"name": "one"}, headers=keyed())
    assert answer.status_code == 503
    assert await effects() == 1


async def test_nor_does_one_that_begins_a_session(person: Person, effects: Effects) -> None:
    answer = await person().post("/api/things/session", json={"name": "one"}, headers=keyed())
    assert answer.status_code == 503
    assert await effects() == 1


async def test_while_it_stays_unknown_the_answer_says_so_and_a_repetition_finds_out(
    person: Person, fault: Fault, effects: Effects
) -> None:
    fault.times, fault.arrives = retry.ATTEMPTS, False
    ada = person()
    answer = await ada.post("/api/things", json={"name": "one"}, headers=keyed())
    assert (answer.status_code, fault.struck, await effects()) == (503, retry.ATTEMPTS, 0)
    assert answer.json()["code"] == "request.outcome_unknown"
    again = await ada.post("/api/things", json={"name": "one"}, headers=keyed())
    assert (again.status_code, await effects()) == (201, 1)


async def test_before_commit_a_key_makes_every_route_safe_to_run_again(
    person: Person, kept: Witness, effects: Effects, gate: Any
) -> None:
    request = asyncio.create_task(person().post("/api/things/held", json={"name": "one"}, headers=keyed()))
    await gate.reached.wait()
    await kept.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
        "AND datname = current_database()"
    )
    gate.opened.set()
    answer: httpx.Response = await request
    assert (answer.status_code, await effects()) == (200, 1)
