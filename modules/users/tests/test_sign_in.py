from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from framework.application import Application
from framework.settings import Settings
from host.boot import create_app
from host.testing.people import PASSWORD, SignedInClient, create_person
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from users.passwords import passwords
from users.tables import Account, FailedSignIns

EMAIL = "ada@example.com"


@pytest.fixture(autouse=True)
async def ada(application: Application) -> None:
    await create_person(application, (), EMAIL, administrator=False)


async def sign_in(client: AsyncClient, email: str = EMAIL, password: str = PASSWORD) -> Response:
    return await client.post("/api/users/sign-in", json={"email": email, "password": password})


@pytest.mark.parametrize("email", [EMAIL, "  ADA@Example.com "])
async def test_the_right_password_signs_in(client: AsyncClient, email: str) -> None:
    assert (await sign_in(client, email)).status_code == 204
    me = await client.get("/api/users/me")
    assert me.status_code == 200
    assert me.json()["email"] == EMAIL


def session_cookie(answer: Response) -> str:
    return next(text for text in answer.headers.get_list("set-cookie") if "device" not in text)


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: AsyncClient) -> None:
    cookie = session_cookie(await sign_in(client))
    name_and_value, *attributes = cookie.split("; ")
    assert name_and_value.startswith("__Host-seamark=1.")
    assert set(attributes) == {"Max-Age=7776000", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert len(cookie) < 4096
    assert EMAIL not in cookie


async def test_without_tls_the_cookie_has_a_name_that_browsers_take(
    application: Application, make_settings: Callable[..., Settings]
) -> None:
    transport = ASGITransport(create_app(make_settings(public_url="http://localhost:8000")))
    async with AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        cookie = session_cookie(await sign_in(client))
        assert cookie.startswith("seamark=1.")
        assert "Secure" not in cookie
        assert (await client.get("/api/users/me")).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong"),
        (EMAIL, PASSWORD + " "),
        (EMAIL, PASSWORD.upper()),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("nul\x00@example.com", PASSWORD),
        ("", ""),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(client: AsyncClient, email: str, password: str) -> None:
    answer = await sign_in(client, email, password)
    assert answer.status_code == 401
    assert answer.json()["code"] == "users.invalid_credentials"
    assert answer.json()["detail"] == "E-mail address or password is not right."
    assert "set-cookie" not in answer.headers


async def test_an_inactive_account_is_answered_like_a_wrong_password(
    client: AsyncClient, session: AsyncSession
) -> None:
    await session.execute(update(Account).values(active=False))
    await session.commit()
    answer = await sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (401, "users.invalid_credentials")


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "not an address"])
async def test_a_hash_is_computed_whether_or_not_there_is_an_account(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    verified: list[str] = []
    verify = PasswordHasher.verify

    def noting(self: PasswordHasher, hashed: str, password: str) -> bool:
        verified.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", noting)
    await sign_in(client, email, "wrong")
    assert len(verified) == 1
    assert not passwords().is_outdated(verified[0])


async def test_an_outdated_hash_is_replaced_at_the_next_sign_in(client: AsyncClient, session: AsyncSession) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    await session.execute(update(Account).values(password_hash=old))
    await session.commit()
    assert (await sign_in(client)).status_code == 204
    new = await session.scalar(select(Account.password_hash))
    assert new is not None
    assert new != old
    assert not passwords().is_outdated(new)
    assert (await sign_in(client)).status_code == 204


async def test_signing_in_again_takes_a_new_session_and_ends_the_old_one(
    app: FastAPI, settings: Settings, client: AsyncClient
) -> None:
    await sign_in(client)
    first = client.cookies["__Host-seamark"]
    await sign_in(client)
    assert client.cookies["__Host-seamark"] != first
    headers = {"cookie": f"__Host-seamark={first}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=settings.public_url, headers=headers) as thief:
        assert (await thief.get("/api/users/me")).status_code == 401
    assert (await client.get("/api/users/me")).status_code == 200


async def test_too_many_sign_ins_at_once_are_told_to_come_back(
    client: AsyncClient, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("users.passwords.MAX_WAITING", 0)
    answer = await sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (503, "users.busy")
    assert answer.headers["retry-after"] == "2"
    assert await session.scalar(select(func.count()).select_from(FailedSignIns)) == 0, "nothing was compared"


@pytest.mark.parametrize("extra", [{"remember": True}, {"administrator": True}])
async def test_a_body_with_more_than_it_declares_is_refused(client: AsyncClient, extra: dict[str, bool]) -> None:
    answer = await client.post("/api/users/sign-in", json={"email": EMAIL, "password": PASSWORD, **extra})
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


async def test_another_sites_form_cannot_sign_anybody_in(client: AsyncClient) -> None:
    answer = await client.post(
        "/api/users/sign-in",
        json={"email": EMAIL, "password": PASSWORD},
        headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_signed_in_person_sees_themself(signed_in_client: SignedInClient) -> None:
    client = await signed_in_client({"users.view"}, email="bob@example.com")
    me = (await client.get("/api/users/me")).json()
    assert me.keys() == {"id", "email", "name", "roles", "permissions"}
    assert (me["email"], me["permissions"]) == ("bob@example.com", ["users.view"])
