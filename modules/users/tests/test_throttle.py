"""How guessing is held back, and that its owner does not pay for it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.database import Database
from host.testing.people import PASSWORD, SignedInClient, create_person
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import Interval, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from users.tables import FailedDeviceSignIns, FailedSignIns
from users.throttle import FORGET_AFTER, MOST

EMAIL = "ada@example.com"
NOBODY = "nobody@example.com"
DEVICE = "__Host-seamark-device"


@pytest.fixture(autouse=True)
async def ada(application: Application) -> str:
    return str(await create_person(application, (), EMAIL, administrator=False))


async def sign_in(client: AsyncClient, email: str = EMAIL, password: str = PASSWORD) -> Response:
    return await client.post("/api/users/sign-in", json={"email": email, "password": password})


@asynccontextmanager
async def stranger(app: FastAPI) -> AsyncIterator[AsyncClient]:
    url = app.state.application.settings.public_url
    async with AsyncClient(transport=ASGITransport(app), base_url=url) as client:
        yield client


async def use_up(client: AsyncClient, session: AsyncSession, email: str = EMAIL, left: int = 0) -> None:
    """Leave so many of the hundred guesses, as if their waits had passed."""
    await sign_in(client, email, "wrong")
    for table in (FailedSignIns, FailedDeviceSignIns):
        await session.execute(update(table).values(count=MOST - left, retry_at=func.now()))
    await session.commit()


@pytest.mark.parametrize("email", [EMAIL, NOBODY])
async def test_after_ten_failures_the_next_guess_has_to_wait(client: AsyncClient, email: str) -> None:
    for _ in range(10):
        assert (await sign_in(client, email, "wrong")).status_code == 401
    answer = await sign_in(client, email.upper())
    assert (answer.status_code, answer.json()["code"]) == (429, "users.too_many_attempts")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("failures", "wait"), [(10, "2"), (12, "8"), (60, "300")])
async def test_the_wait_doubles_up_to_five_minutes(
    client: AsyncClient, session: AsyncSession, failures: int, wait: str
) -> None:
    await use_up(client, session, left=MOST - failures)
    assert (await sign_in(client, password="wrong")).status_code == 401
    assert (await sign_in(client)).headers["retry-after"] == wait


async def test_a_success_forgets_the_failures(client: AsyncClient) -> None:
    for _ in range(2):
        for _ in range(9):
            await sign_in(client, password="wrong")
        assert (await sign_in(client)).status_code == 204


@pytest.mark.parametrize("email", [EMAIL, NOBODY])
async def test_of_many_guesses_at_once_no_more_are_compared_than_of_those_in_turn(
    client: AsyncClient, email: str
) -> None:
    answers = await asyncio.gather(*(sign_in(client, email, "wrong") for _ in range(40)))
    assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 30}


@pytest.mark.parametrize("email", [EMAIL, NOBODY])
async def test_after_a_hundred_failures_strangers_are_refused(
    client: AsyncClient, session: AsyncSession, email: str
) -> None:
    await use_up(client, session, email, left=1)
    assert (await sign_in(client, email, "wrong")).status_code == 401
    for password in ("wrong", PASSWORD):
        answer = await sign_in(client, email, password)
        assert (answer.status_code, answer.json()["code"]) == (403, "users.known_device_required")
        assert "retry-after" not in answer.headers


async def test_after_a_month_without_a_guess_the_failures_are_forgotten(
    client: AsyncClient, session: AsyncSession
) -> None:
    await use_up(client, session)
    for age, status in ((FORGET_AFTER - timedelta(minutes=1), 403), (FORGET_AFTER, 204)):
        await session.execute(update(FailedSignIns).values(last_at=func.now() - cast(age, Interval)))
        await session.commit()
        assert (await sign_in(client)).status_code == status


async def test_a_flood_of_other_addresses_resets_no_count(
    client: AsyncClient, session: AsyncSession, application: Application
) -> None:
    await use_up(client, session)
    await session.execute(
        FailedSignIns.__table__.insert().from_select(  # type: ignore[attr-defined]
            ["email_digest", "count", "last_at", "retry_at"],
            select(
                func.sha256(func.int8send(func.generate_series(1, 10_000))),
                cast(1, FailedSignIns.count.type),
                func.now(),
                func.now(),
            ),
        )
    )
    await session.commit()
    assert (await sign_in(client)).status_code == 403


async def test_the_owner_comes_in_from_a_browser_they_have_used_and_then_from_any(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    await sign_in(client)
    await client.post("/api/users/sign-out")
    async with stranger(app) as guesser:
        await use_up(guesser, session)
        assert (await sign_in(guesser)).status_code == 403
        assert (await sign_in(client)).status_code == 204
        assert (await sign_in(guesser)).status_code == 204


async def test_failures_in_a_browser_that_the_account_knows_are_counted_for_it_alone(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    await sign_in(client)
    for _ in range(10):
        assert (await sign_in(client, password="wrong")).status_code == 401
    assert (await sign_in(client, password="wrong")).status_code == 429
    assert await session.scalar(select(func.count()).select_from(FailedSignIns)) == 0
    async with stranger(app) as other:
        assert (await sign_in(other)).status_code == 204


async def test_a_known_browser_whose_guesses_are_used_up_is_a_stranger(
    client: AsyncClient, session: AsyncSession
) -> None:
    await sign_in(client)
    await use_up(client, session)
    for _ in range(10):
        assert (await sign_in(client, password="wrong")).status_code == 401
    assert (await sign_in(client)).status_code == 429
    assert await session.scalar(select(FailedSignIns.count)) == 10


async def test_a_browser_known_to_one_account_is_a_stranger_to_another(
    client: AsyncClient, session: AsyncSession, application: Application
) -> None:
    await create_person(application, (), "bob@example.com", administrator=False)
    await sign_in(client, "bob@example.com")
    await sign_in(client, password="wrong")
    assert await session.scalar(select(FailedSignIns.count)) == 1
    assert await session.scalar(select(func.count()).select_from(FailedDeviceSignIns)) == 0


async def test_strangers_keep_nobody_who_is_signed_in_from_changing_their_password(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    await sign_in(client)
    client.cookies.delete(DEVICE)
    async with stranger(app) as guesser:
        await use_up(guesser, session)
    body = {"current_password": PASSWORD, "new_password": "tiny wheel of cheddar"}
    assert (await client.post("/api/users/me/password", json=body)).status_code == 204


async def test_an_administrator_lets_somebody_try_again(
    ada: str, client: AsyncClient, session: AsyncSession, signed_in_client: SignedInClient
) -> None:
    await use_up(client, session)
    clerk = await signed_in_client({"users.manage"}, email="clerk@example.com")
    assert (await client.post(f"/api/users/accounts/{ada}/forget-failed-sign-ins")).status_code == 401
    assert (await sign_in(client)).status_code == 403
    assert (await clerk.post(f"/api/users/accounts/{ada}/forget-failed-sign-ins")).status_code == 204
    assert (await sign_in(client)).status_code == 204


async def test_who_manages_accounts_lets_no_administrator_try_again(
    application: Application, signed_in_client: SignedInClient
) -> None:
    root = await create_person(application, (), "root@example.com", administrator=True)
    clerk = await signed_in_client({"users.manage"})
    answer = await clerk.post(f"/api/users/accounts/{root}/forget-failed-sign-ins")
    assert (answer.status_code, answer.json()["code"]) == (403, "users.beyond_own_permissions")


async def test_the_count_is_kept_whatever_becomes_of_the_request(
    application: Application, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a guesser who hangs up in time would have as many as they like."""
    from users.passwords import passwords
    from users.sign_in import prove

    async def hung_up(_: str | None, __: str) -> bool:
        raise asyncio.CancelledError

    monkeypatch.setattr(passwords(), "verify", hung_up)
    with pytest.raises(asyncio.CancelledError):
        await prove(database, EMAIL, "wrong", lambda _: None)
    assert await session.scalar(select(FailedSignIns.count)) == 1
