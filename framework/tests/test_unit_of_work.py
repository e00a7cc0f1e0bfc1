"""One request is one transaction: READ ONLY when it is safe, committed before the first byte, gone afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from framework.application import Application
from framework.database import Database, after_commit, connect_arguments
from framework.policies import policy, public, signed_in
from framework.principal import Authentication, Principal
from framework.problems import Problem
from framework.request_session import Session
from framework.routing import Router
from framework.sessions import SessionToken
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Witness = asyncpg.Connection[asyncpg.Record]

ADD = text("INSERT INTO thing (name) VALUES (:name)")
COUNT = text("SELECT count(*) FROM thing")


def router(kept: list[AsyncSession]) -> Router:
    things = Router("things")

    @things.get("")
    @policy(public)
    async def count(session: Session) -> int:
        return int(await session.scalar(COUNT) or 0)

    @things.get("/writes")
    @policy(public)
    async def writes(session: Session) -> None:
        await session.execute(ADD, {"name": "by a GET"})

    @things.post("")
    @policy(public)
    async def add(session: Session, name: str) -> str:
        await session.execute(ADD, {"name": name})
        kept.append(session)
        return name

    @things.post("/refused")
    @policy(public)
    async def refused(session: Session) -> None:
        await session.execute(ADD, {"name": "refused"})
        raise Problem(409, "things.refused")

    @things.post("/bug")
    @policy(public)
    async def bug(session: Session) -> None:
        await session.execute(ADD, {"name": "bug"})
        raise RuntimeError

    @things.post("/wrong-answer", response_model=int)
    @policy(public)
    async def wrong_answer(session: Session) -> str:
        await session.execute(ADD, {"name": "wrong answer"})
        return "no number"

    @things.get("/late")
    @policy(public)
    async def late(session: Session) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            await session.scalar(COUNT)

        return StreamingResponse(parts())

    @things.get("/wrong-type")
    @policy(public)
    async def wrong_type(session: Session) -> None:
        await session.execute(text("SELECT CAST(:number AS int)"), {"number": "seven"})

    @things.get("/me")
    @policy(signed_in)
    async def me(session: Session) -> int:
        return int(await session.scalar(COUNT) or 0)

    return things


@pytest.fixture
def kept() -> list[AsyncSession]:
    """The sessions of requests, for whoever wants to misuse them afterwards."""
    return []


@pytest.fixture
def app(build: Build, scratch_url: str, kept: list[AsyncSession]) -> FastAPI:
    return build(router(kept), database_url=scratch_url)


@pytest.fixture
def client(app: FastAPI, browse: Browse) -> httpx.AsyncClient:
    return browse(app)


@pytest.fixture
def database(app: FastAPI, application_of: Callable[[FastAPI], Application]) -> Database:
    return application_of(app).database


async def names(witness: Witness) -> list[str]:
    return [row["name"] for row in await witness.fetch("SELECT name FROM thing ORDER BY id")]


class TestARequest:
    async def test_commits_by_itself(self, client: httpx.AsyncClient, witness: Witness) -> None:
        assert (await client.post("/api/things?name=one")).status_code == 200
        assert await names(witness) == ["one"]
        assert (await client.get("/api/things")).json() == 1

    async def test_has_committed_before_its_first_byte_leaves(self, app: FastAPI, witness: Witness) -> None:
        seen: list[list[str]] = []
        scope = {"type": "http", "method": "POST", "path": "/api/things", "query_string": b"name=one", "headers": []}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.append(await names(witness))

        await app(scope, receive, send)
        assert seen == [["one"]]

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_that_is_safe_cannot_write(self, client: httpx.AsyncClient, witness: Witness, method: str) -> None:
        answer = await client.request(method, "/api/things/writes")
        assert answer.status_code == 500
        assert await names(witness) == []

    async def test_that_writes_can_after_one_that_only_read_on_the_same_connection(
        self, build: Build, browse: Browse, scratch_url: str, witness: Witness
    ) -> None:
        client = browse(build(router([]), database_url=scratch_url, database_pool_size=1))
        for name in ("one", "two"):
            assert (await client.get("/api/things")).status_code == 200
            assert (await client.get("/api/things/writes")).status_code == 500
            assert (await client.post(f"/api/things?name={name}")).status_code == 200
        assert await names(witness) == ["one", "two"]

    @pytest.mark.parametrize(("path", "status"), [("refused", 409), ("bug", 500), ("wrong-answer", 500)])
    async def test_that_fails_leaves_nothing(
        self, client: httpx.AsyncClient, witness: Witness, path: str, status: int
    ) -> None:
        assert (await client.post(f"/api/things/{path}")).status_code == status
        assert await names(witness) == []

    async def test_that_answered_has_given_its_connection_back(self, client: httpx.AsyncClient, database: Database, witness: Witness) -> None:  # fmt: skip
        for method, path in (
            ("POST", "?name=one"),
            ("GET", ""),
            ("POST", "/bug"),
            ("GET", "/writes"),
            ("POST", "/refused"),
        ):
            await client.request(method, f"/api/things{path}")
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


class TestASessionAfterItsEnd:
    async def test_raises(self, client: httpx.AsyncClient, kept: list[AsyncSession], database: Database, witness: Witness) -> None:  # fmt: skip
        await client.post("/api/things?name=one")
        with pytest.raises(InvalidRequestError):
            await kept[0].execute(COUNT)
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    async def test_ends_a_stream_that_uses_it_and_leaks_nothing(
        self, app: FastAPI, database: Database, witness: Witness
    ) -> None:
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "path": "/api/things/late", "query_string": b"", "headers": []}  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None: ...

        with pytest.raises(InvalidRequestError):
            await app(scope, receive, send)
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


class TestAUnitOfWork:
    async def test_commits_at_the_end_of_its_block(self, database: Database, witness: Witness) -> None:
        async with database.unit_of_work() as session:
            await session.execute(ADD, {"name": "one"})
            assert await names(witness) == []
        assert await names(witness) == ["one"]

    async def test_rolls_back_when_its_block_raises(self, database: Database, witness: Witness) -> None:
        async def fail() -> None:
            async with database.unit_of_work() as session:
                await session.execute(ADD, {"name": "one"})
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        assert await names(witness) == []

    async def test_that_is_read_only_cannot_write(self, database: Database, witness: Witness) -> None:
        with pytest.raises(Exception, match="read-only transaction"):
            async with database.unit_of_work(read_only=True) as session:
                await session.execute(ADD, {"name": "one"})


class TestAfterCommit:
    async def test_the_call_comes_when_others_can_see_the_change(self, database: Database, witness: Witness) -> None:
        calls: list[str] = []
        async with database.unit_of_work() as session:
            after_commit(session, lambda: calls.append("called"))
            await session.execute(ADD, {"name": "one"})
            assert calls == []
        assert calls == ["called"]

    async def test_there_is_none_when_it_rolls_back(self, database: Database, witness: Witness) -> None:
        calls: list[str] = []

        async def fail() -> None:
            async with database.unit_of_work() as session:
                await session.execute(ADD, {"name": "one"})
                after_commit(session, lambda: calls.append("called"))
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        assert calls == []

    async def test_a_savepoint_is_no_commit(self, database: Database, witness: Witness) -> None:
        calls: list[str] = []
        async with database.unit_of_work() as session:
            after_commit(session, lambda: calls.append("called"))
            async with session.begin_nested():
                await session.execute(ADD, {"name": "one"})
            assert calls == []
        assert calls == ["called"]

    async def test_the_same_call_twice_is_one(self, database: Database, witness: Witness) -> None:
        calls: list[str] = []

        def call() -> None:
            calls.append("called")

        async with database.unit_of_work() as session:
            after_commit(session, call)
            after_commit(session, call)
            await session.execute(COUNT)
        assert calls == ["called"]


class TestThePool:
    async def test_is_never_asked_for_two_connections_by_one_request(self, build: Build, browse: Browse, scratch_url: str, application_of: Any, witness: Witness) -> None:  # fmt: skip
        async def load(connection: Any, _: bytes, __: Application) -> Principal | None:
            assert await connection.fetchval("SELECT 1") == 1
            return Principal(*[None] * 7)  # type: ignore[arg-type]

        authentication = Authentication(load, lambda _: None)
        app = build(router([]), authentication=authentication, database_url=scratch_url, database_pool_size=1, max_concurrency=100)  # fmt: skip
        client = browse(app)
        client.headers["cookie"] = application_of(app).cookie.write(SessionToken("x")).partition(";")[0]
        answers = await asyncio.gather(*(client.get("/api/things/me") for _ in range(40)))
        assert [answer.status_code for answer in answers] == [200] * 40

    async def test_that_is_empty_is_a_503_that_says_when_to_come_back(self, build: Build, browse: Browse, scratch_url: str, application_of: Any, witness: Witness) -> None:  # fmt: skip
        app = build(router([]), database_url=scratch_url, database_pool_size=1, database_pool_timeout=0.05)  # fmt: skip
        async with application_of(app).database.driver_connection():
            answer = await browse(app).get("/api/things")
        assert (answer.status_code, answer.json()["code"]) == (503, "database.busy")
        assert int(answer.headers["retry-after"]) > 0
        assert (await browse(app).get("/api/things")).status_code == 200

    @pytest.mark.direct
    async def test_connections_tell_who_they_are_and_have_limits(self, database: Database) -> None:
        async with database.driver_connection() as connection:
            shown = {name: await connection.fetchval(f"SHOW {name}") for name in (
                "application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit",
            )}  # fmt: skip
        assert shown == {
            "application_name": "seamark test",
            "statement_timeout": "25s",
            "lock_timeout": "12500ms",
            "idle_in_transaction_session_timeout": "50s",
            "jit": "off",
        }

    def test_behind_pgbouncer_no_statement_is_kept_and_no_name_used_twice(
        self, app: FastAPI, application_of: Any
    ) -> None:
        settings = application_of(app).settings.model_copy(update={"database_pgbouncer": True})
        arguments = connect_arguments(settings, "test")
        assert (arguments["statement_cache_size"], arguments["prepared_statement_cache_size"]) == (0, 0)
        assert arguments["prepared_statement_name_func"]() != arguments["prepared_statement_name_func"]()
        assert "server_settings" not in arguments

    async def test_a_connection_whose_answer_nobody_awaited_is_not_lent_again(self, build: Build, scratch_url: str, application_of: Any) -> None:  # fmt: skip
        app = build(database_url=scratch_url, database_pool_size=1)
        database: Database = application_of(app).database

        async def server_process(then: str) -> int:
            async with database.driver_connection() as connection:
                await connection.fetchval(then)
                return int(connection.get_server_pid())

        # Dialled beforehand, so that the time limit can only strike while the statement runs.
        first = await server_process("SELECT 1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server_process("SELECT pg_sleep(60)"), 0.05)
        assert await asyncio.wait_for(server_process("SELECT 1"), 10) != first
        async with database.driver_connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1

    async def test_a_value_of_the_wrong_type_is_a_bug_and_no_lost_connection(self, client: httpx.AsyncClient, logged: list[dict[str, Any]]) -> None:  # fmt: skip
        answer = await client.get("/api/things/wrong-type")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert [line["event"] for line in logged] == ["request failed", "request"]
