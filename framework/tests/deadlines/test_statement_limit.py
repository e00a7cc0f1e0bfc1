"""Every connection has its time limits, and no statement more than what is left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.connection_checks import BOUNDED, limitless
from framework.database import Database
from framework.deadline import within
from framework.statement_limit import SLACK, TOLERANCE
from framework.tasks.transaction import Transaction
from sqlalchemy import text

type Build = Callable[..., FastAPI]
type Show = Callable[[str], Awaitable[str]]
type Witness = asyncpg.Connection[asyncpg.Record]

USUAL = 25.0


@pytest.fixture
def application(build: Build, scratch_url: str, application_of: Callable[[FastAPI], Application]) -> Application:
    return application_of(build(database_url=scratch_url, database_pool_size=1))


@pytest.fixture
def database(application: Application) -> Database:
    return application.database


@asynccontextmanager
async def session(database: Database) -> AsyncIterator[Show]:
    async with database.unit_of_work() as opened:
        yield lambda name: _scalar(opened.scalar(text(f"SHOW {name}")))


@asynccontextmanager
async def reading_session(database: Database) -> AsyncIterator[Show]:
    async with database.unit_of_work(read_only=True) as opened:
        yield lambda name: _scalar(opened.scalar(text(f"SHOW {name}")))


@asynccontextmanager
async def driver_connection(database: Database) -> AsyncIterator[Show]:
    async with database.driver_connection() as connection:
        yield lambda name: connection.fetchval(f"SHOW {name}")


@asynccontextmanager
async def engine_connection(database: Database) -> AsyncIterator[Show]:
    async with database.engine.connect() as connection:
        yield lambda name: _scalar(connection.scalar(text(f"SHOW {name}")))


@asynccontextmanager
async def task_transaction(database: Database) -> AsyncIterator[Show]:
    async with Transaction(database) as transaction:
        yield lambda name: _column(transaction.row(f"SHOW {name}"))


@asynccontextmanager
async def task_session(database: Database) -> AsyncIterator[Show]:
    async with Transaction(database) as transaction:
        yield lambda name: _scalar(transaction.session.scalar(text(f"SHOW {name}")))


async def _scalar(value: Awaitable[Any]) -> str:
    return str(await value)


async def _column(row: Awaitable[Any]) -> str:
    return str((await row)[0])


WAYS = (session, reading_session, driver_connection, engine_connection, task_transaction, task_session)


@pytest.mark.direct
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_every_way_to_a_connection_has_all_limits(database: Database, way: Callable[..., Any]) -> None:
    async with way(database) as show:
        assert {name: await show(name) for name in (*BOUNDED, "client_connection_check_interval")} == {
            "statement_timeout": "25s",
            "lock_timeout": "12500ms",
            "idle_in_transaction_session_timeout": "50s",
            "client_connection_check_interval": "500ms",
        }


@pytest.mark.direct
async def test_a_connection_without_one_is_found(
    application: Application, scratch_url: str, witness: Witness, build: Build, application_of: Any
) -> None:
    assert await limitless(application) == []
    through = application_of(build(database_url=scratch_url, database_pgbouncer=True))
    messages = [finding.message for finding in await limitless(through)]
    assert messages == [f"{name} is 0 for the application's connections" for name in sorted(BOUNDED)]
    role = await witness.fetchval("SELECT current_user")
    for name in BOUNDED:
        await witness.execute(f"ALTER ROLE {role} SET {name} = '20s'")
    try:
        await through.database.close()
        assert await limitless(through) == []
    finally:
        for name in BOUNDED:
            await witness.execute(f"ALTER ROLE {role} RESET {name}")


def seconds(shown: str) -> float:
    return float(shown.removesuffix("ms")) / 1000 if shown.endswith("ms") else float(shown.removesuffix("s"))


class TestAStatement:
    @pytest.mark.parametrize("way", [session, reading_session, pytest.param(driver_connection, marks=pytest.mark.direct), task_session], ids=lambda way: way.__name__)  # fmt: skip
    async def test_has_no_more_than_what_is_left(self, database: Database, way: Callable[..., Any]) -> None:
        with within(5):
            async with way(database) as show:
                assert 5 - TOLERANCE < seconds(await show("statement_timeout")) <= 5 + SLACK

    @pytest.mark.direct
    @pytest.mark.parametrize("way", [session, driver_connection], ids=lambda way: way.__name__)
    @pytest.mark.parametrize("next_way", [session, driver_connection], ids=lambda way: way.__name__)
    async def test_leaves_nothing_to_the_next_borrower(
        self, database: Database, way: Callable[..., Any], next_way: Callable[..., Any]
    ) -> None:
        with within(5):
            async with way(database) as show:
                await show("statement_timeout")
        async with next_way(database) as show:
            assert seconds(await show("statement_timeout")) == USUAL

    @pytest.mark.direct
    async def test_has_less_than_one_before_it(self, database: Database) -> None:
        async with session(database) as show:
            assert seconds(await show("statement_timeout")) == USUAL
            with within(5):
                assert seconds(await show("statement_timeout")) <= 5 + SLACK
            with within(3):
                assert seconds(await show("statement_timeout")) <= 3 + SLACK
            assert seconds(await show("statement_timeout")) == USUAL

    async def test_has_it_after_a_savepoint_was_rolled_back(self, database: Database) -> None:
        async with database.unit_of_work() as opened:
            with within(5):
                savepoint = await opened.begin_nested()
                assert seconds(await _scalar(opened.scalar(text("SHOW statement_timeout")))) <= 5 + SLACK
                await savepoint.rollback()
                assert seconds(await _scalar(opened.scalar(text("SHOW statement_timeout")))) <= 5 + SLACK

    @pytest.mark.direct
    async def test_pays_nothing_while_there_is_time(self, database: Database) -> None:
        asked: list[str] = []
        async with database.driver_connection() as connection:
            connection.add_query_logger(lambda record: asked.append(record.query))
        for left in (60, 5):
            asked.clear()
            with within(left):
                async with session(database) as show:
                    await show("statement_timeout")
                async with driver_connection(database) as show:
                    await show("statement_timeout")
            # The driver tells its loggers a moment later.
            await asyncio.sleep(0)
            assert len([query for query in asked if "set_config" in query]) == (0 if left == 60 else 1)
            assert [query for query in asked if "SHOW" in query]

    async def test_is_ended_by_postgres_itself_when_nobody_cancels_it(self, database: Database) -> None:
        """`within` only says what is left: this is what remains of a deadline where the network swallows a CancelRequest."""
        began = asyncio.get_running_loop().time()
        with pytest.raises(Exception, match="statement timeout"), within(0.3):
            async with database.unit_of_work() as opened:
                await opened.execute(text("SELECT pg_sleep(20)"))
        assert asyncio.get_running_loop().time() - began < 10
