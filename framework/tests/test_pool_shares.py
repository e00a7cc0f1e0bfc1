"""No module holds more of the pool than its share, however it borrows; who waits for it stands in nobody else's way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from contextvars import Context
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from framework.application import CurrentApplication
from framework.database import Database
from framework.policies import policy, public, signed_in
from framework.pool import borrow_for
from framework.principal import Authentication, Principal
from framework.request_session import Session
from framework.routing import Router
from framework.sessions import SessionToken
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Databases = Callable[..., Database]

ONE = text("SELECT 1")


class Borrower:
    """What one module's requests do, in a context of its own: connections are held until ``give_back``."""

    def __init__(self, database: Database, module: str | None) -> None:
        self.database, self.module = database, module
        self.held = 0
        self._enough = asyncio.Event()
        self._requests: list[asyncio.Task[None]] = []

    def borrow(self, count: int = 1, by_session: bool = False) -> None:
        for _ in range(count):
            task = asyncio.get_running_loop().create_task(self._hold(by_session), context=Context())
            self._requests.append(task)

    async def _hold(self, by_session: bool) -> None:
        borrow_for(self.module)
        if by_session:
            async with self.database.unit_of_work() as session:
                assert await session.scalar(ONE) == 1
                await self._stay()
        else:
            async with self.database.driver_connection() as connection:
                assert await connection.fetchval("SELECT 1") == 1
                await self._stay()

    async def _stay(self) -> None:
        self.held += 1
        await self._enough.wait()
        self.held -= 1

    async def give_back(self) -> list[BaseException | None]:
        self._enough.set()
        outcomes = await asyncio.gather(*self._requests, return_exceptions=True)
        self._requests.clear()
        self._enough.clear()
        return outcomes

    def cancel_last(self) -> None:
        self._requests.pop().cancel()


@pytest.fixture
async def databases(make_settings: Callable[..., Any]) -> AsyncIterator[Databases]:
    async with AsyncExitStack() as stack:

        def databases(pool_size: int = 10, pool_timeout: float = 5) -> Database:
            settings = make_settings(database_pool_size=pool_size, database_pool_timeout=pool_timeout)
            database = Database(settings)
            stack.push_async_callback(database.close)
            return database

        yield databases


@pytest.mark.parametrize("by_session", [True, False], ids=["session", "driver connection"])
async def test_a_module_holds_seven_of_ten_connections_and_another_has_the_rest(
    databases: Databases, wait_until: Callable[..., Any], by_session: bool
) -> None:
    database = databases()
    slow, other = Borrower(database, "slow"), Borrower(database, "other")
    slow.borrow(20, by_session)
    await wait_until(lambda: slow.held == 7)
    other.borrow(3, by_session)
    await wait_until(lambda: other.held == 3)
    assert slow.held == 7
    assert await other.give_back() == [None] * 3
    assert await slow.give_back() == [None] * 20


async def test_what_no_module_borrows_has_no_share(databases: Databases, wait_until: Callable[..., Any]) -> None:
    nobody = Borrower(databases(), None)
    nobody.borrow(10)
    await wait_until(lambda: nobody.held == 10)
    assert await nobody.give_back() == [None] * 10


async def test_a_pool_of_one_serves_every_module_in_turn(databases: Databases) -> None:
    database = databases(1)
    borrowers = [Borrower(database, "slow"), Borrower(database, "other"), Borrower(database, None)]
    for borrower in borrowers * 5:
        borrower.borrow()
    ends = [borrower.give_back() for borrower in borrowers]
    assert await asyncio.gather(*ends) == [[None] * 5] * 3


async def test_waiting_for_the_share_ends_like_waiting_for_the_pool(
    databases: Databases, wait_until: Callable[..., Any]
) -> None:
    slow = Borrower(databases(pool_timeout=0.2), "slow")
    slow.borrow(7)
    await wait_until(lambda: slow.held == 7)
    late = Borrower(slow.database, "slow")
    late.borrow(2)
    began = asyncio.get_running_loop().time()
    errors = await asyncio.wait_for(asyncio.gather(*late._requests, return_exceptions=True), 5)
    assert asyncio.get_running_loop().time() - began < 3
    assert [type(error) for error in errors] == [PoolTimeout] * 2
    assert "slow holds its 7 of 10" in str(errors[0])
    assert await slow.give_back() == [None] * 7


async def test_both_waits_together_last_no_longer_than_one(
    databases: Databases, wait_until: Callable[..., Any]
) -> None:
    database = databases(2, pool_timeout=1)
    loop = asyncio.get_running_loop()
    slow, other = Borrower(database, "slow"), Borrower(database, "other")
    slow.borrow()
    other.borrow()
    await wait_until(lambda: (slow.held, other.held) == (1, 1))
    began = loop.time()
    late = Borrower(database, "slow")
    late.borrow()
    # The share comes free half-way, while nobody gives the connection itself to the one that has waited.
    waiting = Borrower(database, None)
    waiting.borrow()
    await wait_until(lambda: loop.time() - began > 0.5)
    await slow.give_back()
    await wait_until(lambda: waiting.held == 1)
    (error,) = await asyncio.wait_for(asyncio.gather(*late._requests, return_exceptions=True), 5)
    assert isinstance(error, PoolTimeout)
    assert loop.time() - began < 1.45
    await waiting.give_back()
    await other.give_back()


async def test_who_stops_waiting_takes_no_connection_along(
    databases: Databases, wait_until: Callable[..., Any]
) -> None:
    slow = Borrower(databases(), "slow")
    slow.borrow(7)
    await wait_until(lambda: slow.held == 7)
    for _ in range(20):
        slow.borrow()
        await asyncio.sleep(0)
        slow.cancel_last()
    assert await slow.give_back() == [None] * 7
    slow.borrow(7)
    await wait_until(lambda: slow.held == 7)
    assert await slow.give_back() == [None] * 7


class TestRequests:
    """Through the layers: which of a request's statements are its module's."""

    @staticmethod
    def slow_router(enough: asyncio.Event, held: list[str], name: str = "slow") -> Router:
        router = Router(name)

        @router.get("/hold")
        @policy(public)
        async def hold(session: Session) -> None:
            await session.scalar(ONE)
            held.append(name)
            await enough.wait()

        @router.get("/mine")
        @policy(signed_in)
        async def mine(session: Session) -> int:
            return int(await session.scalar(ONE) or 0)

        @router.get("/nothing")
        @policy(signed_in)
        async def nothing(_: CurrentApplication) -> int:
            return 1

        return router

    async def test_a_module_that_hangs_in_its_statements_leaves_the_others_and_the_principal_alone(
        self, build: Build, browse: Browse, scratch_url: str, wait_until: Callable[..., Any], person: Authentication
    ) -> None:
        enough, held = asyncio.Event(), list[str]()
        routers = [self.slow_router(enough, held), self.slow_router(enough, held, "other")]
        app = build(*routers, authentication=person, database_url=scratch_url, database_pool_timeout=0.3)
        client = browse(app)
        client.headers["cookie"] = app.state.application.cookie.write(SessionToken("x")).partition(";")[0]
        hanging = [asyncio.create_task(client.get("/api/slow/hold")) for _ in range(30)]
        await wait_until(lambda: len(held) == 7)

        assert [(await client.get("/api/other/mine")).status_code for _ in range(20)] == [200] * 20
        # The principal is read in nobody's name, so what needs no further connection is served by the slow module, too.
        assert (await client.get("/api/slow/nothing")).status_code == 200
        refused = await client.get("/api/slow/mine")
        assert (refused.status_code, refused.json()["code"]) == (503, "database.busy")
        assert refused.headers["retry-after"]

        enough.set()
        statuses = [answer.status_code for answer in await asyncio.gather(*hanging)]
        assert (statuses.count(200), statuses.count(503)) == (7, 23)
        assert (await client.get("/api/slow/mine")).status_code == 200

    @pytest.fixture
    def person(self) -> Authentication:
        async def load(connection: Any, *_: object) -> Principal:
            assert await connection.fetchval("SELECT 1") == 1
            return Principal(UUID(int=1), *[None] * 6)  # type: ignore[arg-type]

        return Authentication(load, lambda _: None)
