import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import pytest
from httpx import AsyncClient

ANNA = {
    "name": "Anna Ångström",
    "email": "Anna@example.com",
    "phone": "+44 20 7946 0001",
    "organisation": "Acme",
    "notes": "Two\nlines",
    "tags": ["VIP", "press"],
}


async def create(people: AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await people.post("/api/contacts", json={"name": "Anna", "email": "anna@example.com", **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def only(names: Collection[str], contact: dict[str, Any]) -> dict[str, Any]:
    return {name: contact[name] for name in names}


async def test_a_new_contact_has_what_was_written_and_an_address_of_its_own(people: AsyncClient) -> None:
    answer = await people.post("/api/contacts", json=ANNA)

    assert answer.status_code == 201
    assert only(ANNA, answer.json()) == ANNA
    assert answer.json()["version"] == 1
    assert (await people.get(answer.headers["location"])).json() == answer.json()


async def test_what_is_left_out_or_empty_is_null(people: AsyncClient) -> None:
    contact = await create(people, phone="  ", notes=None)

    assert [contact[name] for name in ("phone", "organisation", "notes", "tags")] == [None, None, None, []]


async def test_texts_are_tidied(people: AsyncClient) -> None:
    contact = await create(people, name=" Anna\n  Maria ", organisation="Acme\tLtd", tags=["vip", "VIP", " a  b "])

    assert (contact["name"], contact["organisation"], contact["tags"]) == ("Anna Maria", "Acme Ltd", ["vip", "a b"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "nul \x00"),
        ("email", "nobody"),
        ("email", "two@at@example.com"),
        ("phone", "1" * 51),
        ("organisation", "x" * 201),
        ("notes", "x" * 10_001),
        ("tags", ["a;b"]),
        ("tags", [""]),
        ("tags", [str(number) for number in range(21)]),
    ],
)
async def test_a_field_that_is_not_valid_is_named(people: AsyncClient, field: str, value: Any) -> None:
    answer = await people.post("/api/contacts", json={"name": "A", "email": "a@example.com", field: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].partition(".")[0] == field


async def test_an_address_belongs_to_one_contact_whatever_its_case(people: AsyncClient) -> None:
    await create(people, email="anna@example.com")

    answer = await people.post("/api/contacts", json={"name": "Other", "email": "ANNA@example.com"})

    assert (answer.status_code, answer.json()["code"]) == (409, "contacts.email_taken")
    assert answer.json()["errors"][0]["field"] == "email"


async def test_a_change_touches_only_what_it_names(people: AsyncClient) -> None:
    contact = await create(people, **ANNA)

    answer = await people.patch(
        f"/api/contacts/{contact['id']}", json={"version": 1, "name": "Anna Curie", "notes": None}
    )

    assert answer.status_code == 200
    assert only(ANNA, answer.json()) == {**ANNA, "name": "Anna Curie", "notes": None}
    assert answer.json()["version"] == 2


async def test_a_change_of_an_older_version_is_refused(people: AsyncClient) -> None:
    contact = await create(people)
    path = f"/api/contacts/{contact['id']}"
    await people.patch(path, json={"version": 1, "name": "First"})

    answer = await people.patch(path, json={"version": 1, "name": "Second"})

    assert (answer.status_code, answer.json()["code"]) == (409, "contacts.stale")
    assert (await people.get(path)).json()["name"] == "First"


async def test_of_two_changes_at_once_one_is_refused(people: AsyncClient) -> None:
    path = f"/api/contacts/{(await create(people))['id']}"

    answers = await asyncio.gather(*(people.patch(path, json={"version": 1, "name": name}) for name in ("A", "B")))

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_change_to_an_address_that_another_contact_has_is_refused(people: AsyncClient) -> None:
    await create(people, email="taken@example.com")
    contact = await create(people)

    answer = await people.patch(f"/api/contacts/{contact['id']}", json={"version": 1, "email": "Taken@example.com"})

    assert (answer.status_code, answer.json()["code"]) == (409, "contacts.email_taken")


async def test_a_deleted_contact_is_gone_until_it_is_restored(people: AsyncClient) -> None:
    contact = await create(people)
    path = f"/api/contacts/{contact['id']}"

    assert (await people.delete(path)).status_code == 204
    assert (await people.get(path)).json()["code"] == "contacts.not_found"
    assert (await people.get("/api/contacts")).json()["items"] == []
    assert (await people.patch(path, json={"version": 2, "name": "X"})).status_code == 404
    assert (await people.delete(path)).status_code == 404

    assert (await people.post(f"{path}/restore")).json()["name"] == "Anna"
    assert (await people.post(f"{path}/restore")).status_code == 200
    assert (await people.get(path)).status_code == 200


async def test_a_contact_whose_address_was_taken_meanwhile_cannot_be_restored(people: AsyncClient) -> None:
    contact = await create(people)
    await people.delete(f"/api/contacts/{contact['id']}")
    await create(people, email="ANNA@example.com")

    answer = await people.post(f"/api/contacts/{contact['id']}/restore")

    assert (answer.status_code, answer.json()["code"]) == (409, "contacts.email_taken")


async def test_organisations_are_one_whatever_the_case_and_are_suggested_with_their_contacts(
    people: AsyncClient,
) -> None:
    await create(people, organisation="Acme")
    other = await create(people, email="b@example.com", organisation="ACME")
    await create(people, email="c@example.com", organisation="Brunel")

    assert other["organisation"] == "Acme"
    found = (await people.get("/api/contacts/organisations", params={"q": "CM"})).json()["items"]
    assert [(item["name"], item["contacts"]) for item in found] == [("Acme", 2)]


async def test_tags_are_suggested_by_use(people: AsyncClient) -> None:
    await create(people, tags=["press", "vip"])
    await create(people, email="b@example.com", tags=["vip"])

    answer = await people.get("/api/contacts/tags")

    assert answer.json() == {"items": [{"name": "vip", "contacts": 2}, {"name": "press", "contacts": 1}]}


async def test_who_may_only_see_changes_nothing(signed_in_client: Callable[..., Awaitable[AsyncClient]]) -> None:
    viewer = await signed_in_client(permissions=("contacts.view",))

    answer = await viewer.post("/api/contacts", json=ANNA)

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    assert (await viewer.get("/api/contacts")).json() == {"items": [], "next_cursor": None}


async def test_nobody_sees_contacts_without_signing_in(client: AsyncClient) -> None:
    assert (await client.get("/api/contacts")).status_code == 401
