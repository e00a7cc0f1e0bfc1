import pytest
from framework.application import Application
from host.testing.people import PASSWORD, SignedInClient
from httpx import AsyncClient, Response
from users.sessions import Client
from users.sign_in import prove
from users.sign_in import sign_in as begin_session

EMAIL = "ada@example.com"
NEW = "tiny wheel of cheddar"


@pytest.fixture
async def ada(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(email=EMAIL)


async def change(client: AsyncClient, current: str = PASSWORD, new: str = NEW) -> Response:
    body = {"current_password": current, "new_password": new}
    return await client.post("/api/users/me/password", json=body)


async def sign_in(client: AsyncClient, password: str) -> int:
    answer = await client.post("/api/users/sign-in", json={"email": EMAIL, "password": password})
    return answer.status_code


async def test_the_new_password_signs_in_and_the_old_one_does_not(ada: AsyncClient, client: AsyncClient) -> None:
    assert (await change(ada)).status_code == 204
    assert await sign_in(client, PASSWORD) == 401
    assert await sign_in(client, NEW) == 204


async def test_every_other_session_ends_and_this_one_takes_a_new_id(ada: AsyncClient, client: AsyncClient) -> None:
    await sign_in(client, PASSWORD)
    before = ada.cookies["__Host-seamark"]
    assert (await change(ada)).status_code == 204
    assert ada.cookies["__Host-seamark"] != before
    assert (await ada.get("/api/users/me")).status_code == 200
    assert (await client.get("/api/users/me")).status_code == 401
    client.cookies.set("__Host-seamark", before, domain="seamark.test")
    assert (await client.get("/api/users/me")).status_code == 401


async def test_a_sign_in_under_way_with_the_old_password_begins_no_session(
    ada: AsyncClient, application: Application
) -> None:
    proof = await prove(application.database, EMAIL, PASSWORD, lambda _: None)
    assert proof is not None
    assert (await change(ada)).status_code == 204
    async with application.database.unit_of_work() as session:
        assert await begin_session(session, proof, Client("", ""), None) is None


async def test_the_current_password_is_needed(ada: AsyncClient, client: AsyncClient) -> None:
    answer = await change(ada, current="wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "users.wrong_password")
    assert await sign_in(client, PASSWORD) == 204


async def test_guessing_the_current_password_is_slowed_down_too(ada: AsyncClient) -> None:
    for _ in range(10):
        await change(ada, current="wrong")
    assert (await change(ada)).status_code == 429


@pytest.mark.parametrize("new", ["short", EMAIL, "aaaaaaaaaaaaaaaaaaaa", "correct horse battery staple"])
async def test_a_weak_one_is_refused_with_the_reason_at_its_field(ada: AsyncClient, new: str) -> None:
    answer = await change(ada, new=new)
    assert (answer.status_code, answer.json()["code"]) == (422, "users.weak_password")
    [error] = answer.json()["errors"]
    assert error["field"] == "new_password"
    assert error["message"] == answer.json()["detail"]


async def test_no_answer_repeats_a_password(ada: AsyncClient, application: Application) -> None:
    for new in ("short", "x" * 300):
        assert new not in (await change(ada, new=new)).text


async def test_only_somebody_signed_in_has_a_password_to_change(client: AsyncClient) -> None:
    assert (await change(client)).status_code == 401
