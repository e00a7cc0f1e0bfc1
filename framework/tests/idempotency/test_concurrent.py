"""Two requests with one key at the same time: one takes effect, the other waits for its answer or is told to come again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from framework.database import Database
from framework.idempotency import claim, turns
from framework.routing import Router
from sqlalchemy import text

from .conftest import AUTHENTICATION, Gate, Person, Witness, keyed

type Effects = Callable[[], Awaitable[int]]
type Build = Callable[..., FastAPI]

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%idempotency_key%'
"""


@pytest.fixture
def other_process(build: Build, things: Router, keys_url: str, app: FastAPI) -> FastAPI:
    """Knows nothing of what the first has under way."""
    return build(things, authentication=AUTHENTICATION, database_url=keys_url)


async def test_many_take_effect_once_and_get_one_answer(person: Person, effects: Effects) -> None:
    ada = person()
    answers = await asyncio.gather(*(ada.post("/api/things", json={"name": "one"}, headers=keyed()) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert await effects() == 1


async def test_in_one_process_those_that_wait_hold_no_connection(
    person: Person, build: Build, things: Router, keys_url: str, app: FastAPI, gate: Gate, effects: Effects
) -> None:
    small = build(things, authentication=AUTHENTICATION, database_url=keys_url, database_pool_size=3)
    ada, grace = person(at=small), person("grace", at=small)
    requests = [
        asyncio.create_task(ada.post("/api/things/held", json={"name": "one"}, headers=keyed())) for _ in range(5)
    ]
    await gate.reached.wait()
    # In the course of these the others come as far as they can.
    assert {(await grace.get("/api/things")).status_code for _ in range(20)} == {200}
    gate.opened.set()
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200}
    assert await effects() == 1


async def test_another_process_waits_for_the_commit(
    person: Person, other_process: FastAPI, gate: Gate, kept: Witness, effects: Effects
) -> None:
    first = asyncio.create_task(person().post("/api/things/held", json={"name": "one"}, headers=keyed()))
    await gate.reached.wait()
    second = asyncio.create_task(
        person(at=other_process).post("/api/things/held", json={"name": "one"}, headers=keyed())
    )
    while not await kept.fetchval(WAITING):  # noqa: ASYNC110 - it waits for Postgres
        await asyncio.sleep(0.01)
    assert not second.done()
    gate.opened.set()
    assert (await first).json() == (await second).json()
    assert (await second).headers["idempotency-replayed"] == "true"
    assert await effects() == 1


async def test_another_process_takes_over_where_the_first_one_failed(
    person: Person, other_process: FastAPI, gate: Gate, kept: Witness, effects: Effects
) -> None:
    first = asyncio.create_task(person().post("/api/things/held", json={"name": "one"}, headers=keyed()))
    await gate.reached.wait()
    first.cancel()
    gate.opened.set()
    second = await person(at=other_process).post("/api/things/held", json={"name": "one"}, headers=keyed())
    assert (second.status_code, "idempotency-replayed" in second.headers, await effects()) == (200, False, 1)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in this process", "in another one"])
async def test_who_has_waited_long_enough_is_told_to_come_again(
    person: Person,
    app: FastAPI,
    other_process: FastAPI,
    gate: Gate,
    effects: Effects,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: bool,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.2)
    first = asyncio.create_task(person().post("/api/things/held", json={"name": "one"}, headers=keyed()))
    await gate.reached.wait()
    at = other_process if elsewhere else app
    refused = await person(at=at).post("/api/things/held", json={"name": "one"}, headers=keyed())
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency.in_progress")
    assert int(refused.headers["retry-after"]) == 1
    gate.opened.set()
    assert (await first).status_code == 200
    assert await effects() == 1


async def test_what_the_route_locks_may_be_waited_for_as_long_as_ever(kept: Witness, app: FastAPI) -> None:
    show = text("SHOW lock_timeout")
    database: Database = app.state.application.database
    async with database.unit_of_work() as session:
        usual = await session.scalar(show)
        made = claim.Claim(user_id=uuid4(), key=b"k", fingerprint=b"f", lifetime=timedelta(days=1), cookie=None)
        await made.make(session)
        assert await session.scalar(show) == usual != "5s"
