"""A request's deadline: it ends the work and its query, and never says so of what was committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import BackgroundTasks, Body, FastAPI
from fastapi.responses import StreamingResponse
from framework.application import Application, CurrentApplication
from framework.database import Database
from framework.deadline import DeadlineExceededError, remaining, within
from framework.middleware import deadline as layer
from framework.policies import policy, public
from framework.request_session import Session
from framework.routing import Router
from sqlalchemy import text

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Witness = asyncpg.Connection[asyncpg.Record]
type Handshake = Callable[..., Awaitable[list[dict[str, Any]]]]

ADD = text("INSERT INTO thing (name) VALUES (:name)")
SOON = 0.4
"""Seconds: the deadline of the routes here."""


class Watched:
    """What the handlers did and met."""

    def __init__(self) -> None:
        self.left: list[float] = []
        self.errors: list[BaseException] = []
        self.afterwards: asyncio.Task[None] | None = None
        self.released = asyncio.Event()


def router(watched: Watched) -> Router:
    things = Router("things")

    @things.get("/slow")
    @policy(public, deadline=SOON)
    async def slow() -> None:
        watched.left.append(remaining(1000))
        await asyncio.sleep(60)

    @things.get("/usual")
    @policy(public)
    async def usual() -> None:
        watched.left.append(remaining(1000))

    @things.post("/write")
    @policy(public, deadline=SOON)
    async def write(session: Session) -> None:
        await session.execute(ADD, {"name": "one"})
        await asyncio.sleep(60)

    @things.post("/stubborn")
    @policy(public, deadline=SOON)
    async def stubborn(session: Session) -> str:
        """As a `wait_for` around it would leave it: it goes on, and commits."""
        await session.execute(ADD, {"name": "one"})
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return "done"

    @things.post("/stubborn/own")
    @policy(public, deadline=SOON)
    async def stubborn_by_itself(application: CurrentApplication) -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            async with application.database.unit_of_work() as session:
                await session.execute(ADD, {"name": "one"})
        except DeadlineExceededError as error:
            watched.errors.append(error)
        return "done"

    @things.post("/behind")
    @policy(public, deadline=SOON)
    async def goes_on_behind(application: CurrentApplication) -> None:
        async def go_on() -> None:
            await watched.released.wait()
            async with application.database.unit_of_work() as session:
                await session.execute(ADD, {"name": "one"})

        watched.afterwards = asyncio.create_task(go_on())
        await asyncio.sleep(60)

    @things.post("/two")
    @policy(public, deadline=SOON)
    async def commits_before(application: CurrentApplication) -> None:
        async with application.database.unit_of_work() as session:
            await session.execute(ADD, {"name": "one"})
        await asyncio.sleep(60)

    @things.post("/deferred")
    @policy(public, deadline=SOON)
    async def slow_commit(session: Session, seconds: Annotated[float, Body(embed=True)]) -> str:
        await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        await session.execute(text("INSERT INTO late (seconds) VALUES (:seconds)"), {"seconds": seconds})
        return "committed"

    @things.post("/body")
    @policy(public, deadline=SOON)
    async def body(name: Annotated[str, Body(embed=True)]) -> str:
        watched.left.append(remaining(1000))
        return name

    @things.get("/stream")
    @policy(public, deadline=SOON)
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(4):
                await asyncio.sleep(SOON / 2)
                watched.left.append(remaining(1000))
                yield b"%d" % number

        return StreamingResponse(parts())

    @things.get("/undeclared", response_model=None)
    @policy(public, deadline=SOON)
    async def undeclared() -> Any:
        return await stream()

    @things.get("/background")
    @policy(public, deadline=SOON)
    async def background(tasks: BackgroundTasks) -> str:
        async def later() -> None:
            await asyncio.sleep(SOON * 2)
            watched.left.append(remaining(1000))

        tasks.add_task(later)
        return "answered"

    return things


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def app(build: Build, scratch_url: str, watched: Watched) -> FastAPI:
    return build(router(watched), database_url=scratch_url, request_deadline=20)


@pytest.fixture
async def client(app: FastAPI, browse: Browse, database: Database) -> httpx.AsyncClient:
    # Dialled beforehand, so that the deadline strikes in the handler.
    async with database.driver_connection():
        return browse(app)


@pytest.fixture
def database(app: FastAPI, application_of: Callable[[FastAPI], Application]) -> Database:
    return application_of(app).database


@pytest.fixture
async def late(witness: Witness) -> AsyncIterator[None]:
    """A table into which a row is written slowly: at COMMIT, by a deferred constraint."""
    await witness.execute("""
        CREATE TABLE late (seconds float);
        CREATE FUNCTION hesitate() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(NEW.seconds); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER hesitates AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION hesitate();
    """)
    yield
    await witness.execute("DROP TABLE late; DROP FUNCTION hesitate()")


async def names(witness: Witness) -> list[str]:
    return [row["name"] for row in await witness.fetch("SELECT name FROM thing ORDER BY id")]


def exceeded(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (504, "request.deadline_exceeded")


class TestADeadline:
    async def test_is_its_route_s(self, client: httpx.AsyncClient, watched: Watched) -> None:
        answer = await client.get("/api/things/slow")
        assert exceeded(answer)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
        assert 0 < watched.left[0] <= SOON

    async def test_is_the_setting_where_its_route_says_nothing(
        self, client: httpx.AsyncClient, watched: Watched
    ) -> None:
        assert (await client.get("/api/things/usual")).status_code == 200
        assert SOON < watched.left[0] <= 20

    async def test_is_logged(self, client: httpx.AsyncClient, logged: list[dict[str, Any]]) -> None:
        await client.get("/api/things/slow")
        lines = {line["event"]: line for line in logged}
        assert lines["request refused"]["code"] == "request.deadline_exceeded"
        assert lines["request"]["status"] == 504

    async def test_waits_for_a_body_as_long_as_it_arrives(
        self, client: httpx.AsyncClient, watched: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(layer, "SLOWEST", 4 / SOON)

        async def steady() -> AsyncIterator[bytes]:
            for piece in (b"{", b'"nam', b'e": ', b'"one', b" two", b'"}'):
                yield piece
                await asyncio.sleep(SOON / 3)

        client.headers["content-type"] = "application/json"
        assert (await client.post("/api/things/body", content=steady())).json() == "one two"
        assert 0 < watched.left[0] <= SOON

    async def test_ends_a_body_that_trickles(self, client: httpx.AsyncClient) -> None:
        async def trickling() -> AsyncIterator[bytes]:
            yield b'{"name": "'
            while True:
                yield b"x"
                await asyncio.sleep(SOON / 10)

        answer = await client.post("/api/things/body", content=trickling())
        assert (answer.status_code, answer.json()["code"]) == (408, "request.body_too_slow")

    async def test_ends_a_body_that_stops(self, client: httpx.AsyncClient) -> None:
        async def never_ending() -> AsyncIterator[bytes]:
            yield b'{"name": '
            await asyncio.sleep(60)

        answer = await client.post("/api/things/body", content=never_ending())
        assert (answer.status_code, answer.json()["code"]) == (408, "request.body_too_slow")
        assert answer.headers["connection"] == "close"

    async def test_leaves_the_next_request_alone(self, client: httpx.AsyncClient) -> None:
        assert exceeded(await client.get("/api/things/slow"))
        assert (await client.get("/api/things/usual")).status_code == 200
        assert remaining(1000) == 1000


class TestItsEnd:
    async def test_rolls_back(self, client: httpx.AsyncClient, witness: Witness, database: Database) -> None:
        assert exceeded(await client.post("/api/things/write"))
        assert await names(witness) == []
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    @pytest.mark.parametrize("path", ["stubborn", "stubborn/own"])
    async def test_lets_no_handler_commit_that_goes_on(
        self, client: httpx.AsyncClient, witness: Witness, path: str
    ) -> None:
        assert exceeded(await client.post(f"/api/things/{path}"))
        assert await names(witness) == []

    async def test_lets_nothing_commit_that_it_left_behind(
        self, client: httpx.AsyncClient, witness: Witness, watched: Watched
    ) -> None:
        assert exceeded(await client.post("/api/things/behind"))
        watched.released.set()
        assert watched.afterwards is not None
        with pytest.raises(DeadlineExceededError):
            await watched.afterwards
        assert await names(witness) == []

    async def test_is_no_504_once_something_was_committed(self, client: httpx.AsyncClient, witness: Witness) -> None:
        answer = await client.post("/api/things/two")
        assert (answer.status_code, answer.json()["code"]) == (503, "request.outcome_unknown")
        assert await names(witness) == ["one"]


@pytest.mark.usefixtures("late")
class TestACommit:
    async def test_has_time_of_its_own(self, client: httpx.AsyncClient, witness: Witness) -> None:
        answer = await client.post("/api/things/deferred", json={"seconds": SOON * 1.5})
        assert (answer.status_code, answer.json()) == (200, "committed")
        assert await witness.fetchval("SELECT count(*) FROM late") == 1

    async def test_of_which_nothing_is_heard_is_a_503_and_never_a_504(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(layer, "COMMIT_GRACE", SOON)
        # Postgres would end it by itself only later.
        answer = await client.post("/api/things/deferred", json={"seconds": 60})
        assert (answer.status_code, answer.json()["code"]) == (503, "request.outcome_unknown")
        assert "retry-after" not in answer.headers


class TestWhatHasBegunToAnswer:
    @pytest.mark.parametrize("path", ["stream", "undeclared"])
    async def test_is_not_cut(self, client: httpx.AsyncClient, watched: Watched, path: str) -> None:
        assert (await client.get(f"/api/things/{path}")).content == b"0123"
        assert watched.left[-1] == 1000

    async def test_may_do_something_afterwards(self, client: httpx.AsyncClient, watched: Watched) -> None:
        assert (await client.get("/api/things/background")).json() == "answered"
        assert watched.left == [1000]

    async def test_a_websocket_has_none(self, build: Build, handshake: Handshake) -> None:
        things, left = Router("things"), []

        @things.websocket("/live")
        @policy(public, deadline=SOON)
        async def live() -> None:
            left.append(remaining(1000))

        await handshake(build(things), "/api/things/live")
        assert left == [1000]


class TestWithin:
    async def test_gives_what_is_left_and_no_more_than_what_surrounds_it(self) -> None:
        with within(10), within(20) as ends_at:
            assert ends_at - asyncio.get_running_loop().time() <= 10
            assert 9 < remaining(1000) <= 10
            assert remaining(5) == 5
        assert remaining(1000) == 1000

    async def test_is_the_same_for_what_it_starts(self) -> None:
        async def left() -> float:
            return remaining(1000)

        with within(10):
            assert await asyncio.create_task(left()) <= 10
