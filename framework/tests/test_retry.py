"""A request whose database connection is lost before COMMIT was sent runs again, where that cannot do harm."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import Body, FastAPI, File, Request
from fastapi.responses import StreamingResponse
from framework.application import Application, CurrentApplication
from framework.embedded import EmbeddedPostgres, data_home
from framework.middleware import retry
from framework.policies import policy, public, signed_in
from framework.principal import Authentication, Principal
from framework.request_session import Session
from framework.routing import Router
from framework.sessions import SessionToken
from sqlalchemy import BigInteger, Identity, Text, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type Witness = asyncpg.Connection[asyncpg.Record]

ADD = text("INSERT INTO thing (name) VALUES (:name)")
PID = text("SELECT pg_backend_pid()")


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Fault:
    """Ends the connection of those who ask, the first ``times`` times."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.times = 1
        self.attempts = 0

    async def strike(self, session: AsyncSession) -> None:
        await self.strike_process(await session.scalar(PID))

    async def strike_process(self, pid: Any) -> None:
        self.attempts += 1
        if self.attempts <= self.times:
            await self.witness.execute("SELECT pg_terminate_backend($1)", pid)


@pytest.fixture
def fault(witness: Witness) -> Fault:
    return Fault(witness)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE", 0.001)


def router(fault: Fault) -> Router:
    things = Router("things")

    @things.get("")
    @policy(public)
    async def look(session: Session) -> int:
        await fault.strike(session)
        return int(await session.scalar(text("SELECT 7")) or 0)

    @things.get("/hurried")
    @policy(public, deadline=1.0)
    async def look_in_a_hurry(session: Session) -> None:
        await fault.strike(session)
        await session.scalar(text("SELECT 7"))

    @things.get("/last-moment")
    @policy(public)
    async def look_and_lose(session: Session) -> int:
        await fault.strike(session)
        return 7

    @things.post("")
    @policy(public)
    async def add(session: Session, name: Annotated[str, Body(embed=True)]) -> str:
        await fault.strike(session)
        await session.execute(ADD, {"name": name})
        return name

    @things.post("/safe")
    @policy(public, retry_safe=True, max_body=3_000_000)
    async def add_safely(session: Session, name: Annotated[str, Body(embed=True)]) -> str:
        await fault.strike(session)
        await session.execute(ADD, {"name": name[:100]})
        return name[:100]

    @things.post("/unwritten")
    @policy(public, retry_safe=True)
    async def add_in_the_end(session: Session, name: Annotated[str, Body(embed=True)]) -> str:
        await fault.strike(session)
        session.add(Thing(name=name))
        return name

    @things.post("/file")
    @policy(public, retry_safe=True)
    async def upload(session: Session, file: Annotated[bytes, File()]) -> int:
        await fault.strike(session)
        await session.execute(ADD, {"name": file.decode()})
        return len(file)

    @things.post("/stream")
    @policy(public, retry_safe=True)
    async def read_body(request: Request, session: Session) -> str:
        body = await request.body()
        await fault.strike(session)
        await session.execute(ADD, {"name": body.decode()})
        return body.decode()

    @things.get("/export")
    @policy(public)
    async def export(application: CurrentApplication) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            async with application.database.unit_of_work(read_only=True) as session:
                await fault.strike(session)
                await session.execute(PID)

        return StreamingResponse(parts())

    @things.get("/me")
    @policy(signed_in)
    async def me() -> str:
        return "me"

    @things.post("/me")
    @policy(signed_in)
    async def change_me(session: Session, name: Annotated[str, Body(embed=True)]) -> str:
        await session.execute(ADD, {"name": name})
        return name

    return things


@pytest.fixture
def client(build: Build, browse: Browse, scratch_url: str, fault: Fault) -> httpx.AsyncClient:
    return browse(build(router(fault), database_url=scratch_url))


async def names(witness: Witness) -> list[str]:
    return [row["name"] for row in await witness.fetch("SELECT name FROM thing ORDER BY id")]


def unavailable(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (503, "database.unavailable") and int(
        answer.headers["retry-after"]
    ) > 0


class TestASafeRequest:
    @pytest.mark.parametrize("path", ["", "/last-moment"])
    async def test_runs_again_and_is_answered(self, client: httpx.AsyncClient, fault: Fault, path: str) -> None:
        answer = await client.get(f"/api/things{path}")
        assert (answer.status_code, answer.json(), fault.attempts) == (200, 7, 2)

    async def test_says_in_the_log_that_it_ran_again(
        self, client: httpx.AsyncClient, logged: list[dict[str, Any]]
    ) -> None:
        await client.get("/api/things")
        assert [line["event"] for line in logged] == ["database connection lost, request runs again", "request"]
        assert logged[0]["attempt"] == 1

    async def test_waits_for_as_long_as_a_restart_takes_and_later_in_an_outage_for_less(
        self, client: httpx.AsyncClient, fault: Fault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retry, "OUTAGE", 0.3)
        monkeypatch.setattr(retry, "LONGEST_PAUSE", 0.02)
        fault.times = 1000
        began = monotonic()
        assert unavailable(await client.get("/api/things"))
        assert monotonic() - began > retry.OUTAGE
        assert fault.attempts > retry.ATTEMPTS
        fault.attempts = 0
        assert unavailable(await client.get("/api/things"))
        # An attempt may also end before the route begins, at a connection that is on its way out.
        assert 1 <= fault.attempts <= retry.ATTEMPTS

    async def test_waits_no_longer_than_its_deadline_allows_and_says_what_is_away(
        self, client: httpx.AsyncClient, fault: Fault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retry, "LONGEST_PAUSE", 0.02)
        fault.times = 1000
        assert unavailable(await client.get("/api/things/hurried"))
        assert fault.attempts > 1

    async def test_that_has_begun_its_answer_does_not(self, client: httpx.AsyncClient, fault: Fault) -> None:
        answer = await client.get("/api/things/export")
        assert (answer.content, fault.attempts) == (b"first", 1)


class TestAnUnsafeRequest:
    async def test_does_not_run_again_unless_its_route_says_so(self, client: httpx.AsyncClient, fault: Fault, witness: Witness) -> None:  # fmt: skip
        assert unavailable(await client.post("/api/things", json={"name": "one"}))
        assert (fault.attempts, await names(witness)) == (1, [])

    async def test_runs_again_with_the_same_body_and_one_effect_when_it_does(self, client: httpx.AsyncClient, fault: Fault, witness: Witness) -> None:  # fmt: skip
        fault.times = 2
        answer = await client.post("/api/things/safe", json={"name": "one"})
        assert (answer.status_code, answer.json(), fault.attempts) == (200, "one", 3)
        assert await names(witness) == ["one"]

    async def test_runs_again_when_the_loss_is_only_noticed_as_it_writes_at_the_end(self, client: httpx.AsyncClient, fault: Fault, witness: Witness) -> None:  # fmt: skip
        answer = await client.post("/api/things/unwritten", json={"name": "one"})
        assert (answer.status_code, fault.attempts) == (200, 2)
        assert await names(witness) == ["one"]

    async def test_is_given_a_body_in_pieces_again(
        self, client: httpx.AsyncClient, fault: Fault, witness: Witness
    ) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"one", b"two", b"three"):
                yield piece

        answer = await client.post("/api/things/stream", content=pieces())
        assert (answer.json(), fault.attempts, await names(witness)) == ("onetwothree", 2, ["onetwothree"])

    async def test_whose_body_is_too_large_to_keep_does_not(
        self, client: httpx.AsyncClient, fault: Fault, witness: Witness
    ) -> None:
        large = "x" * retry.MAX_REPLAY
        assert unavailable(await client.post("/api/things/safe", json={"name": large}))
        assert (fault.attempts, await names(witness)) == (1, [])

    @pytest.mark.parametrize("spelling", ["multipart/form-data", "Multipart/Form-Data"])
    async def test_with_a_file_never_does(
        self, client: httpx.AsyncClient, fault: Fault, witness: Witness, spelling: str
    ) -> None:
        body = b'--x\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\none\r\n--x--\r\n'
        answer = await client.post(
            "/api/things/file", content=body, headers={"content-type": f"{spelling}; boundary=x"}
        )
        assert unavailable(answer)
        assert (fault.attempts, await names(witness)) == (1, [])


class Cutting:
    """Hands on what client and server say, and cuts the line as soon as COMMIT has been handed on."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.commits = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self.upstream)
        answers = asyncio.create_task(self._answers(from_server, writer))
        while data := await reader.read(65536):
            if b"COMMIT;" in data:
                answers.cancel()
                await asyncio.wait([answers])
                self.commits += 1
                to_server.write(data)
                # Until the server has done it: its answer is read here and kept.
                await from_server.read(1)
                break
            to_server.write(data)
        writer.close()
        to_server.close()

    async def _answers(self, from_server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await from_server.read(65536):
            writer.write(data)


@pytest.mark.parametrize("path", ["", "/safe"])
async def test_once_commit_was_sent_nobody_knows_so_it_is_a_503_and_done_once(
    build: Build, browse: Browse, scratch_url: str, fault: Fault, witness: Witness, path: str
) -> None:
    fault.times = 0
    before, _, after = scratch_url.partition("@")
    address, _, name = after.partition("/")
    host, _, port = address.partition(":")
    cutting = Cutting(host, int(port))
    async with await asyncio.start_server(cutting, "127.0.0.1", 0) as proxy:
        through = f"{before}@127.0.0.1:{proxy.sockets[0].getsockname()[1]}/{name}"
        answer = await browse(build(router(fault), database_url=through)).post(
            f"/api/things{path}", json={"name": "one"}
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "request.outcome_unknown")
    assert "retry-after" not in answer.headers
    assert (fault.attempts, cutting.commits, await names(witness)) == (1, 1, ["one"])


# An idle connection that Postgres ends is replaced by PgBouncer, and nobody is told.
@pytest.mark.direct
class TestThePrincipal:
    """Read outside of the request's transaction, before the handler has begun: always safe to read again."""

    @pytest.fixture
    def client(
        self, build: Build, browse: Browse, scratch_url: str, fault: Fault, application_of: Any
    ) -> httpx.AsyncClient:
        async def load(connection: Any, _: bytes, __: Application) -> Principal | None:
            await fault.strike_process(connection.get_server_pid())
            await connection.fetchval("SELECT 1")
            return Principal(*[None] * 7)  # type: ignore[arg-type]

        app = build(router(fault), authentication=Authentication(load, lambda _: None), database_url=scratch_url)
        client = browse(app)
        client.headers["cookie"] = application_of(app).cookie.write(SessionToken("x")).partition(";")[0]
        return client

    async def test_is_read_again_for_a_safe_request(self, client: httpx.AsyncClient, fault: Fault) -> None:
        assert (await client.get("/api/things/me")).json() == "me"
        assert fault.attempts == 2

    async def test_is_read_again_for_an_unsafe_one(
        self, client: httpx.AsyncClient, fault: Fault, witness: Witness
    ) -> None:
        assert (await client.post("/api/things/me", json={"name": "one"})).json() == "one"
        assert (fault.attempts, await names(witness)) == (2, ["one"])


class TestARestartOfPostgres:
    @pytest.fixture
    def postgres(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
        home: Path = data_home(tmp_path_factory.mktemp("restarted"))
        server = EmbeddedPostgres(home / "postgres", durable=False)
        server.start()
        yield server
        server.stop()
        server.erase()

    @pytest.fixture
    def client(self, build: Build, browse: Browse, postgres: EmbeddedPostgres, fault: Fault) -> httpx.AsyncClient:
        fault.times = 0
        return browse(build(router(fault), database_url=postgres.url()))

    async def test_goes_unnoticed_between_requests(self, client: httpx.AsyncClient, postgres: EmbeddedPostgres) -> None:
        await asyncio.gather(*(client.get("/api/things") for _ in range(5)))
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        answers = await asyncio.gather(*(client.get("/api/things") for _ in range(5)))
        assert [answer.status_code for answer in answers] == [200] * 5

    async def test_is_waited_for_by_the_requests_that_it_meets(
        self, client: httpx.AsyncClient, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retry, "PAUSE", 2.0)
        await client.get("/api/things")
        await asyncio.to_thread(postgres.stop)
        waiting = asyncio.create_task(client.get("/api/things"))
        await asyncio.to_thread(postgres.start)
        assert (await waiting).status_code == 200

    async def test_while_it_lasts_answers_are_503_and_afterwards_all_is_well(self, client: httpx.AsyncClient, postgres: EmbeddedPostgres) -> None:  # fmt: skip
        await client.get("/api/things")
        await asyncio.to_thread(postgres.stop)
        assert unavailable(await client.get("/api/things"))
        assert unavailable(await client.post("/api/things", json={"name": "one"}))
        await asyncio.to_thread(postgres.start)
        assert (await client.get("/api/things")).status_code == 200


async def test_a_route_that_never_touched_the_database_is_not_repeated_for_its_own_troubles(
    build: Build, browse: Browse
) -> None:
    things = Router("things")
    attempts = 0

    @things.get("")
    @policy(public)
    async def mail() -> None:
        nonlocal attempts
        attempts += 1
        raise ConnectionRefusedError("the mail server")

    answer = await browse(build(things)).get("/api/things")
    assert (answer.status_code, attempts) == (500, 1)
