import csv
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import Any

from contacts import exports
from contacts.schemas import ContactFields
from contacts.upsert import upsert
from framework.database import Database
from httpx import AsyncClient
from sqlalchemy import text

type ImportFile = Callable[..., Awaitable[dict[str, Any]]]

HARD = {
    "name": "=HYPERLINK(1)",
    "email": "+anna@example.com",
    "phone": "+44 20",
    "organisation": '-"Acme", Ltd',
    "notes": 'two\nlines, "quoted" and é',
    "tags": ["@vip", "press"],
}


async def export(people: AsyncClient, **query: str) -> str:
    answer = await people.get("/api/contacts/export.csv", params=query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="contacts.csv"'
    return answer.text


async def add(database: Database, *contacts: dict[str, Any]) -> None:
    async with database.unit_of_work() as session:
        await upsert(session, [ContactFields(**fields) for fields in contacts])


async def test_no_cell_of_an_export_is_a_formula(people: AsyncClient, database: Database) -> None:
    await add(database, HARD)

    header, row = csv.reader(StringIO(await export(people), newline=""))

    assert header == ["name", "email", "phone", "organisation", "notes", "tags"]
    assert row == [
        "'=HYPERLINK(1)",
        "'+anna@example.com",
        "'+44 20",
        '\'-"Acme", Ltd',
        'two\nlines, "quoted" and é',
        "'@vip;press",
    ]


async def test_an_export_imports_as_it_was(people: AsyncClient, database: Database, import_file: ImportFile) -> None:
    await add(database, HARD, {"name": "Bea", "email": "bea@example.com"})
    exported = await export(people)
    async with database.unit_of_work() as session:
        await session.execute(text("DELETE FROM contacts.contact"))

    await import_file(exported)

    [hard] = (await people.get("/api/contacts", params={"q": "hyperlink"})).json()["items"]
    assert {name: hard[name] for name in HARD} == HARD
    assert sorted((await export(people)).splitlines()) == sorted(exported.splitlines())


async def test_an_export_holds_what_a_search_finds(people: AsyncClient, database: Database) -> None:
    await add(database, *({"name": name, "email": f"{name}@example.com"} for name in ("ada", "bea", "adam")))

    rows = (await export(people, q=" AD ")).splitlines()[1:]

    assert sorted(row.partition(",")[0] for row in rows) == ["ada", "adam"]


async def test_an_export_of_many_pages_holds_everybody_once(people: AsyncClient, database: Database) -> None:
    await add(database, *({"name": "Same", "email": f"p{number}@example.com"} for number in range(exports.PAGE + 5)))

    rows = (await export(people)).splitlines()[1:]

    assert len(rows) == len(set(rows)) == exports.PAGE + 5


async def test_deleted_contacts_are_not_exported(people: AsyncClient) -> None:
    contact = (await people.post("/api/contacts", json={"name": "Anna", "email": "a@example.com"})).json()
    await people.delete(f"/api/contacts/{contact['id']}")

    assert (await export(people)).splitlines() == ["name,email,phone,organisation,notes,tags"]
