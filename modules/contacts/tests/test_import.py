import csv
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import Any

import pytest
from contacts import csv_routes
from contacts.tables import Import
from framework.database import Database
from httpx import AsyncClient, Response
from sqlalchemy import func, select

HEADER = "name,email,phone,organisation,notes,tags\n"

type ImportFile = Callable[..., Awaitable[dict[str, Any]]]


async def items(people: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    page: dict[str, list[dict[str, Any]]] = (await people.get("/api/contacts", params={"limit": 100, **query})).json()
    return page["items"]


def counts(import_: dict[str, Any]) -> tuple[int, ...]:
    return tuple(import_[name] for name in ("processed", "total", "created", "updated", "rejected"))


async def rejected(people: AsyncClient, import_: dict[str, Any]) -> list[list[str]]:
    answer = await people.get(f"/api/contacts/imports/{import_['id']}/rejected.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(StringIO(answer.text, newline="")))


async def test_an_upload_waits_for_a_worker_and_is_then_all_there(people: AsyncClient, import_file: ImportFile) -> None:
    done = await import_file(
        HEADER + 'Anna,anna@example.com,+44 20,Acme,"two\nlines",vip; press;\n' + "Bea,bea@example.com,,,,\n"
    )

    assert (done["status"], done["message"], done["encoding"], done["filename"]) == (
        "succeeded",
        None,
        "utf-8",
        "people.csv",
    )
    assert counts(done) == (2, 2, 2, 0, 0)
    anna, bea = await items(people)
    assert (anna["organisation"], anna["notes"], anna["tags"]) == ("Acme", "two\nlines", ["vip", "press"])
    assert [bea[name] for name in ("phone", "organisation", "notes", "tags")] == [None, None, None, []]


async def test_an_upload_is_queued_until_a_worker_takes_it(upload: ImportFile) -> None:
    started = await upload(HEADER + "Anna,anna@example.com,,,,\n")

    assert (started["status"], started["total"], started["finished_at"]) == ("queued", None, None)


async def test_a_known_address_is_updated_in_the_file_and_in_the_database(
    people: AsyncClient, import_file: ImportFile
) -> None:
    await people.post("/api/contacts", json={"name": "Old", "email": "Anna@example.com"})

    done = await import_file("name,email\nNew,ANNA@example.com\nBea,bea@example.com\nBea B,BEA@example.com\n")

    assert counts(done) == (3, 3, 1, 2, 0)
    assert [item["name"] for item in await items(people)] == ["Bea B", "New"]


async def test_columns_that_the_file_lacks_stay_as_they_are(people: AsyncClient, import_file: ImportFile) -> None:
    before = {
        "name": "Anna",
        "email": "anna@example.com",
        "phone": "1",
        "organisation": "Acme",
        "notes": "n",
        "tags": ["t"],
    }
    await people.post("/api/contacts", json=before)

    await import_file("email,name,notes\nanna@example.com,Anna B,\n")

    [anna] = await items(people, q="acme")
    assert {name: anna[name] for name in before} == {**before, "name": "Anna B", "notes": None}
    assert anna["version"] == 2


async def test_a_contact_that_stays_as_it_is_keeps_its_version(people: AsyncClient, import_file: ImportFile) -> None:
    content = HEADER + "Anna,anna@example.com,,Acme,,vip\nBea,bea@example.com,1,,,\n"
    await import_file(content)

    done = await import_file(content.replace("Bea,", "Bea B,"))

    assert counts(done) == (2, 2, 0, 2, 0)
    assert [(item["name"], item["version"]) for item in await items(people)] == [("Anna", 1), ("Bea B", 2)]


async def test_an_import_revives_the_contact_that_was_deleted_last(
    people: AsyncClient, import_file: ImportFile
) -> None:
    ids = []
    for name in ("First", "Second"):
        contact = (await people.post("/api/contacts", json={"name": name, "email": "anna@example.com"})).json()
        await people.delete(f"/api/contacts/{contact['id']}")
        ids.append(contact["id"])

    done = await import_file("name,email\nAnna,anna@example.com\n")

    assert counts(done) == (1, 1, 0, 1, 0)
    assert [(item["id"], item["name"]) for item in await items(people)] == [(ids[1], "Anna")]


async def test_rows_that_are_no_contacts_are_rejected_with_their_line_and_all_reasons(
    people: AsyncClient, import_file: ImportFile
) -> None:
    done = await import_file(
        HEADER
        + 'Anna,anna@example.com,,,"two\nlines",\n'
        + ",nobody,,,,\n"
        + "Bea,bea@example.com\n"
        + f"Cleo,cleo@example.com,{'1' * 51},,{'n' * 10_001},\n"
        + '"Dora,dora@example.com,,,,\n'
        + "\n,,,,,\n"
        + "Eve,eve@example.com,,,,\n"
    )

    assert counts(done) == (6, 6, 2, 0, 4)
    header, *rows = await rejected(people, done)
    assert header == ["line", "reason", "name", "email", "phone", "organisation", "notes", "tags"]
    assert [row[0] for row in rows] == ["4", "5", "6", "7"]
    reasons = [row[1] for row in rows]
    assert "name is missing" in reasons[0]
    assert "email: An email address must have an @-sign." in reasons[0]
    assert reasons[1] == "has 2 columns where the header has 6"
    assert "phone has more than 50 characters" in reasons[2]
    assert "notes has more than 10000 characters" in reasons[2]
    assert "quote" in reasons[3]
    assert rows[1][2:] == ["Bea", "bea@example.com"]


async def test_the_file_of_rejected_rows_can_be_mended_and_imported(
    people: AsyncClient, import_file: ImportFile
) -> None:
    done = await import_file(HEADER + "'+Anna,nobody,'+44 20,,,\n")
    answer = await people.get(f"/api/contacts/imports/{done['id']}/rejected.csv")

    again = await import_file(answer.text.replace("nobody", "anna@example.com"))

    assert counts(again) == (1, 1, 1, 0, 0)
    assert [(item["name"], item["phone"]) for item in await items(people)] == [("+Anna", "+44 20")]


async def test_latin_1_is_read_and_said(people: AsyncClient, import_file: ImportFile) -> None:
    done = await import_file("name,email\nÉmile,emile@example.com\n".encode("latin-1"))

    assert done["encoding"] == "latin-1"
    assert "Latin-1" in done["message"]
    assert [item["name"] for item in await items(people)] == ["Émile"]


async def test_what_cannot_be_imported_leaves_nothing_behind(people: AsyncClient, database: Database) -> None:
    answer = await people.post("/api/contacts/imports", files={"file": ("x.csv", b"name,phone\na,1\n")})

    assert (answer.status_code, answer.json()["code"]) == (422, "contacts.import_header")
    async with database.unit_of_work(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(Import)) == 0


async def test_an_upload_may_be_larger_than_other_bodies_but_not_than_its_setting(
    people: AsyncClient, upload: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = HEADER + "Anna,anna@example.com,,,,\n" * 60_000
    assert (await upload(content))["status"] == "queued"

    monkeypatch.setattr(csv_routes, "settings_of", lambda settings: settings(import_max_bytes=len(content) // 2))
    answer = await people.post("/api/contacts/imports", files={"file": ("x.csv", content.encode())})

    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


async def test_imports_are_listed_with_the_latest_first(people: AsyncClient, upload: ImportFile) -> None:
    for name in ("first.csv", "second.csv"):
        await upload("name,email\nAnna,anna@example.com\n", name)

    listed = (await people.get("/api/contacts/imports")).json()["items"]

    assert [item["filename"] for item in listed] == ["second.csv", "first.csv"]


async def test_who_may_only_see_imports_nothing(signed_in_client: Callable[..., Awaitable[AsyncClient]]) -> None:
    viewer = await signed_in_client(permissions=("contacts.view",))

    answer = await viewer.post("/api/contacts/imports", files={"file": ("x.csv", b"name,email\na,a@example.com\n")})

    assert answer.status_code == 403


async def test_a_file_that_is_handed_in_twice_with_one_key_is_one_import(people: AsyncClient) -> None:
    async def hand_in(content: bytes) -> Response:
        # Each time with another boundary, as programs do.
        return await people.post(
            "/api/contacts/imports", files={"file": ("x.csv", content)}, headers={"idempotency-key": "import-of-monday"}
        )

    first, again = await hand_in(b"name,email\na,a@example.com\n"), await hand_in(b"name,email\na,a@example.com\n")
    other = await hand_in(b"name,email\nb,b@example.com\n")
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert len((await people.get("/api/contacts/imports")).json()["items"]) == 1
