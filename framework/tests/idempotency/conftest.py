"""Routes that add a thing, so that effects can be counted, and people who call them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import Body, FastAPI, Request, Response, UploadFile
from framework.application import Application
from framework.context import CurrentContext
from framework.idempotency.tables import IdempotencyKeyRow
from framework.policies import optional, policy, signed_in
from framework.principal import Authentication, Principal
from framework.problems import Problem, response
from framework.request_session import Session
from framework.routing import Router
from framework.sessions import SessionToken
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateIndex, CreateTable

type Witness = asyncpg.Connection[asyncpg.Record]
type Person = Callable[..., httpx.AsyncClient]

# A COMMIT whose sender is cut off is done a moment later than the answer comes that says nobody knows.
UNDER_WAY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
Name = Annotated[str, Body(embed=True)]


def keyed(key: str = KEY) -> dict[str, str]:
    return {"idempotency-key": key}


async def load(_: object, digest: bytes, __: Application) -> Principal | None:
    """Whoever has a signed cookie is somebody, and two tokens are two people."""
    user = UUID(bytes=digest[:16])
    return Principal(user, user, "person@example.com", "Person", (), frozenset(), datetime.now(UTC))


AUTHENTICATION = Authentication(load, lambda _: None)


async def add(session: AsyncSession, name: str) -> int:
    number = await session.scalar(text("INSERT INTO thing (name) VALUES (:name) RETURNING id"), {"name": name})
    assert isinstance(number, int)
    return number


class Gate:
    """Where the route ``/held`` waits until the test lets it go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def things(gate: Gate) -> Router:
    router = Router("things")

    @router.post("", status_code=201)
    @policy(signed_in)
    async def post(session: Session, name: Name, response: Response, times: int = 1) -> dict[str, int]:
        number = await add(session, name)
        response.headers["location"] = f"/api/things/{number}"
        return {"id": number, "times": times}

    @router.put("")
    @policy(signed_in)
    async def put(session: Session, name: Name) -> dict[str, int]:
        return {"id": await add(session, name)}

    @router.get("")
    @policy(signed_in)
    async def get(session: Session) -> int:
        return int(await session.scalar(text("SELECT count(*) FROM thing")) or 0)

    @router.post("/silent", status_code=204)
    @policy(signed_in)
    async def post_silently(session: Session, name: Name) -> None:
        await add(session, name)

    @router.post("/raising")
    @policy(signed_in)
    async def post_and_raise(session: Session, name: Name) -> None:
        await add(session, name)
        raise Problem(409, "things.taken", "There is one.")

    @router.post("/refusing")
    @policy(signed_in)
    async def post_and_refuse(session: Session, name: Name) -> Response:
        await add(session, name)
        return response(Problem(403, "things.counted", "Counted, and refused."))

    @router.post("/large")
    @policy(signed_in)
    async def post_at_large(session: Session, name: Name) -> str:
        await add(session, name)
        return "x" * 70_000

    @router.post("/session", status_code=204)
    @policy(signed_in)
    async def begin_session(session: Session, name: Name, context: CurrentContext) -> None:
        await add(session, name)
        context.set_cookie = "seamark=secret"

    @router.post("/file")
    @policy(signed_in)
    async def post_file(session: Session, file: UploadFile) -> dict[str, int]:
        return {"id": await add(session, (await file.read()).decode())}

    @router.post("/streamed")
    @policy(signed_in)
    async def post_stream(session: Session, request: Request) -> str:
        name = b"".join([piece async for piece in request.stream()]).decode()
        await add(session, name)
        return name

    @router.post("/anybody")
    @policy(optional)
    async def post_as_anybody(session: Session, name: Name) -> dict[str, int]:
        return {"id": await add(session, name)}

    @router.post("/held")
    @policy(signed_in)
    async def post_and_wait(session: Session, name: Name) -> dict[str, int]:
        number = await add(session, name)
        gate.reached.set()
        await gate.opened.wait()
        return {"id": number}

    return router


@pytest.fixture(scope="session")
async def keys_url(scratch_url: str) -> str:
    """The scratch database with the table of keys."""
    connection = await asyncpg.connect(scratch_url.replace("+asyncpg", ""))
    table: Any = IdempotencyKeyRow.__table__
    await connection.execute("CREATE SCHEMA seamark")
    await connection.execute(str(CreateTable(table).compile(dialect=dialect())))  # type: ignore[no-untyped-call]
    for index in table.indexes:
        await connection.execute(str(CreateIndex(index).compile(dialect=dialect())))  # type: ignore[no-untyped-call]
    await connection.close()
    return scratch_url


@pytest.fixture
async def kept(keys_url: str, witness: Witness) -> Witness:
    """A connection that sees what was committed; there are no keys and no things."""
    await witness.execute("TRUNCATE seamark.idempotency_key")
    return witness


@pytest.fixture
def app(build: Callable[..., FastAPI], things: Router, keys_url: str, kept: Witness) -> FastAPI:
    return build(things, authentication=AUTHENTICATION, database_url=keys_url)


@pytest.fixture
def person(browse: Callable[[FastAPI], httpx.AsyncClient], app: FastAPI) -> Person:
    """``person("ada")``: her client; ``at=`` another process' application."""

    def person(name: str | None = "ada", *, at: FastAPI = app) -> httpx.AsyncClient:
        client = browse(at)
        if name is not None:
            cookie = at.state.application.cookie.write(SessionToken(name))
            client.headers["cookie"] = cookie.partition(";")[0]
        return client

    return person


@pytest.fixture
def effects(kept: Witness) -> Callable[[], Any]:
    async def effects() -> int:
        while await kept.fetchval(UNDER_WAY):  # noqa: ASYNC110 - it waits for Postgres
            await asyncio.sleep(0.01)
        return int(await kept.fetchval("SELECT count(*) FROM thing"))

    return effects
