"""A session lives in its row: what a cookie is worth is decided there, at every request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.database import Database
from framework.settings import Settings
from host.boot import create_app
from host.testing.people import PASSWORD, SignedInClient
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from users import sessions
from users.authentication import LastSeen, load
from users.tables import Account, SignIn

NAME = "__Host-seamark"
ME = "/api/users/me"
type SeenAgain = Callable[[LastSeen, timedelta], Awaitable[datetime]]
ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
async def ada(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(email="ada@example.com")


@asynccontextmanager
async def browser(app: FastAPI, cookie: str | None = None) -> AsyncIterator[AsyncClient]:
    headers = {"cookie": f"{NAME}={cookie}"} if cookie is not None else {}
    url = app.state.application.settings.public_url
    async with AsyncClient(transport=ASGITransport(app), base_url=url, headers=headers) as client:
        yield client


async def status_with(app: FastAPI, cookie: str) -> int:
    async with browser(app, cookie) as client:
        return (await client.get(ME)).status_code


async def test_a_cookie_copied_before_signing_out_is_worthless_after(app: FastAPI, ada: AsyncClient) -> None:
    copied = ada.cookies[NAME]
    assert await status_with(app, copied) == 200
    answer = await ada.post("/api/users/sign-out")
    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == f"{NAME}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert answer.headers["clear-site-data"] == '"cache"'
    assert await status_with(app, copied) == 401


async def test_signing_out_without_a_session_is_harmless(client: AsyncClient) -> None:
    assert (await client.post("/api/users/sign-out")).status_code == 204


async def test_a_session_ended_from_another_one_ends_at_once(app: FastAPI, ada: AsyncClient) -> None:
    async with browser(app) as phone:
        await phone.post("/api/users/sign-in", json=ADA, headers={"user-agent": "Phone"})
        listed = (await ada.get(f"{ME}/sessions")).json()["items"]
        assert [item["user_agent"] for item in listed if not item["current"]] == ["Phone"]
        other = next(item["id"] for item in listed if not item["current"])
        assert (await ada.delete(f"{ME}/sessions/{other}")).status_code == 204
        assert (await phone.get(ME)).status_code == 401
    assert (await ada.get(ME)).status_code == 200
    assert (await ada.delete(f"{ME}/sessions/{other}")).status_code == 404


async def test_sessions_are_revoked_with_redis_down_too(
    application: Application, make_settings: Callable[..., Settings], ada: AsyncClient
) -> None:
    app = create_app(make_settings(redis_url="redis://127.0.0.1:1/0"))
    cookie = ada.cookies[NAME]
    assert await status_with(app, cookie) == 200
    async with browser(app, cookie) as elsewhere:
        assert (await elsewhere.post("/api/users/sign-out")).status_code == 204
    assert await status_with(app, cookie) == 401
    await app.state.application.close()


async def test_ending_the_current_session_clears_its_cookie(ada: AsyncClient) -> None:
    [current] = (await ada.get(f"{ME}/sessions")).json()["items"]
    assert current["current"]
    answer = await ada.delete(f"{ME}/sessions/{current['id']}")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await ada.get(ME)).status_code == 401


async def test_nobody_sees_or_ends_the_sessions_of_others(ada: AsyncClient, signed_in_client: SignedInClient) -> None:
    bob = await signed_in_client({"users.view", "users.manage"})
    [adas] = (await ada.get(f"{ME}/sessions")).json()["items"]
    [bobs] = (await bob.get(f"{ME}/sessions")).json()["items"]
    assert adas["id"] != bobs["id"]
    assert (await bob.delete(f"{ME}/sessions/{adas['id']}")).status_code == 404
    assert (await ada.get(ME)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": timedelta(days=90)},
        {"last_seen_at": timedelta(days=14)},
    ],
    ids=["absolute", "idle"],
)
async def test_a_session_ends_by_itself(ada: AsyncClient, session: AsyncSession, change: dict[str, timedelta]) -> None:
    for age, status in ((timedelta(minutes=-1), 200), (timedelta(minutes=1), 401)):
        values = {column: func.now() - limit - age for column, limit in change.items()}
        await session.execute(update(SignIn).values(values))
        await session.commit()
        assert (await ada.get(ME)).status_code == status


async def test_a_session_is_worth_nothing_while_its_account_is_inactive(
    ada: AsyncClient, session: AsyncSession
) -> None:
    for active, status in ((False, 401), (True, 200)):
        await session.execute(update(Account).values(active=active))
        await session.commit()
        assert (await ada.get(ME)).status_code == status


@pytest.mark.parametrize(
    "tamper",
    [
        lambda cookie: "",
        lambda cookie: cookie[:-1],
        lambda cookie: cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"),
        lambda cookie: cookie + "A",
        lambda cookie: "2" + cookie[1:],
        lambda cookie: cookie.replace(cookie.split(".")[1], "AAAAAAAA"),
        lambda cookie: ".".join([*cookie.split(".")[:2], "A" * 43, cookie.split(".")[3]]),
        lambda cookie: cookie.rsplit(".", 1)[0] + ".",
        lambda cookie: cookie.rsplit(".", 1)[0],
        lambda cookie: cookie.replace(".", ""),
        lambda cookie: cookie + "." + cookie,
        lambda cookie: "....",
        lambda cookie: "1.é.ü.ö",
        lambda cookie: "A" * 8000,
    ],
)
async def test_a_tampered_cookie_is_worthless(app: FastAPI, ada: AsyncClient, tamper: Callable[[str], str]) -> None:
    tampered = tamper(ada.cookies[NAME])
    headers = [(b"cookie", f"{NAME}={tampered}".encode("latin-1"))]
    async with AsyncClient(transport=ASGITransport(app), base_url="https://seamark.test", headers=headers) as thief:
        assert (await thief.get(ME)).status_code == 401


async def test_the_database_knows_no_cookie(ada: AsyncClient, session: AsyncSession) -> None:
    token = ada.cookies[NAME].split(".")[2]
    [digest] = await session.scalars(select(SignIn.token_digest))
    assert token.encode() not in digest
    assert len(digest) == 32


async def test_rotating_the_key_logs_nobody_out(
    application: Application, make_settings: Callable[..., Settings], ada: AsyncClient
) -> None:
    old, new = application.settings.secret_key.get_secret_value(), "another secret that is as long as it needs to be"
    before = ada.cookies[NAME]
    rotated = create_app(make_settings(secret_key=new, secret_key_fallbacks=old))
    async with browser(rotated, before) as client:
        answer = await client.get(ME)
        assert answer.status_code == 200
        after = answer.headers["set-cookie"].split(";")[0].removeprefix(f"{NAME}=")
    assert after.split(".")[2] == before.split(".")[2]

    retired = create_app(make_settings(secret_key=new))
    assert await status_with(retired, after) == 200
    assert await status_with(retired, before) == 401
    for app in (rotated, retired):
        await app.state.application.close()


@pytest.fixture
def seen_again(ada: AsyncClient, database: Database, session: AsyncSession, application: Application) -> SeenAgain:
    """Note a request of Ada's whose session was last seen so long ago, and return that time."""

    async def note(seen: LastSeen, ago: timedelta) -> datetime:
        last_seen_at = datetime.now(UTC) - ago
        await session.execute(update(SignIn).values(last_seen_at=last_seen_at))
        digest = (await session.execute(select(SignIn.token_digest))).scalar_one()
        await session.commit()
        async with database.driver_connection() as connection:
            principal = await load(connection, digest, application)
        assert principal is not None
        seen.note(principal)
        return last_seen_at

    return note


async def last_seen_at(database: Database) -> datetime:
    async with database.unit_of_work(read_only=True) as session:
        return (await session.execute(select(SignIn.last_seen_at))).scalar_one()


@pytest.mark.parametrize(("seconds", "written"), [(50, False), (70, True)])
async def test_last_use_is_written_at_most_once_a_minute(
    database: Database, seen_again: SeenAgain, seconds: float, written: bool
) -> None:
    seen = LastSeen()
    before = await seen_again(seen, timedelta(seconds=seconds))
    assert await last_seen_at(database) == before
    await seen.flush(database)
    assert (await last_seen_at(database) > before) is written


async def test_last_use_is_written_while_the_process_runs_and_when_it_ends(
    database: Database, seen_again: SeenAgain, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = LastSeen()
    monkeypatch.setattr("users.authentication.FLUSH_EVERY", 0.01)
    async with seen.flushing(database), asyncio.timeout(10):
        before = await seen_again(seen, timedelta(hours=1))
        while await last_seen_at(database) == before:
            pass
    monkeypatch.setattr("users.authentication.FLUSH_EVERY", 3600)
    async with seen.flushing(database):
        before = await seen_again(seen, timedelta(hours=1))
    assert await last_seen_at(database) > before


async def test_last_use_survives_a_database_that_is_away(
    database: Database, seen_again: SeenAgain, settings: Settings
) -> None:
    nowhere = SecretStr("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    seen = LastSeen()
    before = await seen_again(seen, timedelta(hours=1))
    await seen.flush(Database(settings.model_copy(update={"database_url": nowhere})))
    assert await last_seen_at(database) == before
    await seen.flush(database)
    assert await last_seen_at(database) > before


async def test_the_principal_is_all_that_me_asks_the_database_for(ada: AsyncClient, database: Database) -> None:
    borrowed: list[object] = []

    def note(*connection: object) -> None:
        borrowed.append(connection)

    event.listen(database.engine.sync_engine, "checkout", note)
    try:
        assert (await ada.get(ME)).status_code == 200
    finally:
        event.remove(database.engine.sync_engine, "checkout", note)
    assert len(borrowed) == 1


async def test_what_ended_or_expired_a_month_ago_is_deleted(
    ada: AsyncClient, signed_in_client: SignedInClient, session: AsyncSession, settings: Settings
) -> None:
    for _ in range(4):
        await signed_in_client()
    rows = list(await session.scalars(select(SignIn).order_by(SignIn.id)))
    now = datetime.now(UTC)
    rows[1].ended_at = now - timedelta(days=31)
    rows[2].ended_at = now - timedelta(days=29)
    rows[3].created_at = now - timedelta(days=121)
    rows[4].last_seen_at = now - timedelta(days=45)
    kept = {rows[0].id, rows[2].id}
    await session.flush()
    await sessions.purge(session, settings)
    assert set(await session.scalars(select(SignIn.id))) == kept
