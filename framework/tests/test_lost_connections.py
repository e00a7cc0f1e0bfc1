"""What is a lost connection and what is not, by real faults of a real Postgres."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.database import Database, DatabaseUnavailable, is_connection_lost
from sqlalchemy import text

type Build = Callable[..., FastAPI]
type Witness = asyncpg.Connection[asyncpg.Record]

PID = text("SELECT pg_backend_pid()")


@pytest.fixture
def connected(build: Build, application_of: Callable[[FastAPI], Application]) -> Callable[..., Database]:
    return lambda **settings: application_of(build(**settings)).database


@pytest.fixture
def database(connected: Callable[..., Database], scratch_url: str) -> Database:
    return connected(database_url=scratch_url, database_pool_size=1)


async def end(witness: Witness, pid: Any) -> None:
    await witness.execute("SELECT pg_terminate_backend($1)", pid)


async def while_nothing_runs(database: Database, witness: Witness) -> None:
    async with database.unit_of_work() as session:
        await end(witness, await session.scalar(PID))
        await session.execute(PID)


async def while_a_statement_runs(database: Database, witness: Witness) -> None:
    async with database.unit_of_work() as session:
        ending = asyncio.create_task(end(witness, await session.scalar(PID)))
        await session.execute(text("SELECT pg_sleep(60)"))
        await ending


async def before_the_commit(database: Database, witness: Witness) -> None:
    async with database.unit_of_work() as session:
        await end(witness, await session.scalar(PID))


async def by_its_own_time_limit(database: Database, _: Witness) -> None:
    async with database.unit_of_work() as session:
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        await asyncio.sleep(0.05)  # the limit is the condition
        await session.execute(PID)


async def of_the_driver(database: Database, witness: Witness) -> None:
    async with database.driver_connection() as connection:
        await end(witness, connection.get_server_pid())
        await connection.fetchval("SELECT 1")


async def of_the_driver_while_a_statement_runs(database: Database, witness: Witness) -> None:
    async with database.driver_connection() as connection:
        # Outside a transaction, PgBouncer may run the next statement in another server process.
        await connection.execute("BEGIN")
        ending = asyncio.create_task(end(witness, await connection.fetchval("SELECT pg_backend_pid()")))
        await connection.fetchval("SELECT pg_sleep(60)")
        await ending


FAULTS = (
    while_nothing_runs,
    while_a_statement_runs,
    before_the_commit,
    by_its_own_time_limit,
    # PgBouncer takes another server process for the next statement, and nothing is lost.
    pytest.param(of_the_driver, marks=pytest.mark.direct),
    of_the_driver_while_a_statement_runs,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_connection_that_the_server_ended_is_lost_and_the_pool_recovers(
    database: Database, witness: Witness, fault: Callable[[Database, Witness], Awaitable[None]]
) -> None:
    # Several times: whether the farewell or the end of the stream is read first is chance.
    for _ in range(5):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of which kind is the question
            await fault(database, witness)
        assert is_connection_lost(raised.value), repr(raised.value)
    async with database.unit_of_work() as session:
        assert await session.scalar(text("SELECT 1")) == 1


# What ends behind PgBouncer is PgBouncer's to replace; the connection to it stays.
@pytest.mark.direct
@pytest.mark.parametrize("borrowed_by", ["a session", "the driver"])
async def test_a_connection_that_ended_in_the_pool_is_replaced_unnoticed(
    database: Database, witness: Witness, borrowed_by: str
) -> None:
    async def server_process() -> Any:
        if borrowed_by == "a session":
            async with database.unit_of_work() as session:
                return await session.scalar(PID)
        async with database.driver_connection() as connection:
            return await connection.fetchval("SELECT pg_backend_pid()")

    for _ in range(5):
        async with database.driver_connection() as connection:
            pid, ended = connection.get_server_pid(), asyncio.Event()
            connection.add_termination_listener(partial(_set, ended))
        await end(witness, pid)
        await ended.wait()
        assert await server_process() != pid
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def _set(ended: asyncio.Event, _: object) -> None:
    ended.set()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / 0",
        "SELECT nothing",
        "SELECT CAST('x' AS int)",
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)",
        "ROLLBACK TO nowhere",
    ],
)
async def test_a_statement_that_fails_is_no_lost_connection(database: Database, statement: str) -> None:
    async def run() -> None:
        async with database.unit_of_work() as session:
            for part in statement.split("; "):
                await session.execute(text(part))

    with pytest.raises(Exception) as raised:  # noqa: PT011
        await run()
    assert not is_connection_lost(raised.value)


async def test_a_value_that_the_driver_refuses_is_no_lost_connection(database: Database) -> None:
    async def by_session() -> None:
        async with database.unit_of_work() as session:
            await session.execute(text("SELECT CAST(:number AS int)"), {"number": "seven"})

    async def by_driver() -> None:
        async with database.driver_connection() as connection:
            await connection.fetchval("SELECT $1::int", "seven")

    for attempt in (by_session, by_driver):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await attempt()
        assert not is_connection_lost(raised.value), repr(raised.value)


@pytest.mark.parametrize(
    "error", [ConnectionError(), ConnectionResetError(), OSError(), TimeoutError(), RuntimeError()]
)
def test_what_a_route_fails_at_elsewhere_is_none_either(error: Exception) -> None:
    # A mail server that refuses is no reason to run a request again.
    assert not is_connection_lost(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://a:b@127.0.0.1:1/x",
        "postgresql+asyncpg://a:b@nowhere.invalid/x",
        pytest.param("{scratch}_gone", marks=pytest.mark.direct),
        "{wrong password}",
    ],
)
async def test_where_no_connection_can_be_made_it_is_said_in_one_way(connected: Callable[..., Database], scratch_url: str, url: str) -> None:  # fmt: skip
    before, at, after = scratch_url.partition("@")
    url = url.replace("{scratch}", scratch_url).replace("{wrong password}", f"{before}x{at}{after}")
    database = connected(database_url=url)

    async def by_session() -> None:
        async with database.unit_of_work() as session:
            await session.execute(PID)

    async def by_driver() -> None:
        async with database.driver_connection():
            raise AssertionError("connected")

    for attempt in (by_session, by_driver):
        with pytest.raises(DatabaseUnavailable) as raised:
            await attempt()
        assert is_connection_lost(raised.value)


async def test_dialling_that_takes_too_long_is_not_repeated(connected: Callable[..., Database], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr("framework.database.CONNECT_TIMEOUT", 0.05)
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        database = connected(database_url=f"postgresql+asyncpg://a:b@127.0.0.1:{port}/x")
        with pytest.raises(DatabaseUnavailable) as raised:
            async with database.driver_connection():
                raise AssertionError("connected")
    assert not is_connection_lost(raised.value)
