"""What runs by itself or is asked by administrators: retention, health, doctor, demo data, forgotten accounts."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from contacts.checks import empty_organisations
from contacts.demo import demo
from contacts.demo import people as demo_people
from contacts.health import imports_go_on
from contacts.settings import ContactsSettings
from contacts.tables import Import
from contacts.tasks import purge_imports
from framework.application import Application
from framework.database import Database
from framework.events import publish
from framework.health import Unhealthy
from framework.settings import settings_of
from httpx import AsyncClient
from sqlalchemy import text, update
from users.contract import AccountDeleted

type Upload = Callable[..., Awaitable[dict[str, Any]]]
type RunTasks = Callable[[], Awaitable[Any]]
FILE = "name,email\nAnna,anna@example.com\nNobody,nowhere\n"


async def change_imports(database: Database, **values: Any) -> None:
    async with database.unit_of_work() as session:
        await session.execute(update(Import).values(**values))


async def test_old_imports_are_forgotten_with_their_rejected_rows(
    people: AsyncClient, database: Database, import_file: Upload, run_tasks: RunTasks
) -> None:
    old = await import_file(FILE)
    age = timedelta(days=settings_of(ContactsSettings).import_keep_days, seconds=1)
    await change_imports(database, finished_at=datetime.now(UTC) - age)
    recent = await import_file(FILE)

    async with database.unit_of_work() as session:
        await purge_imports.enqueue(session)
    await run_tasks()

    assert [item["id"] for item in (await people.get("/api/contacts/imports")).json()["items"]] == [recent["id"]]
    assert (await people.get(f"/api/contacts/imports/{old['id']}/rejected.csv")).status_code == 404
    async with database.unit_of_work(read_only=True) as session:
        assert await session.scalar(text("SELECT count(*) FROM contacts.import_rejection")) == 1


async def test_health_complains_of_an_import_that_nobody_works_on(
    application: Application, database: Database, upload: Upload
) -> None:
    assert await imports_go_on(application) is None
    await upload(FILE)
    assert await imports_go_on(application) == "1 under way"

    await change_imports(database, updated_at=datetime.now(UTC) - timedelta(minutes=6))

    with pytest.raises(Unhealthy, match="worker"):
        await imports_go_on(application)


async def test_organisations_without_anybody_are_found(application: Application, people: AsyncClient) -> None:
    fields = {"name": "Anna", "email": "anna@example.com", "organisation": "Acme"}
    contact = (await people.post("/api/contacts", json=fields)).json()
    assert await empty_organisations(application) == []

    await people.patch(f"/api/contacts/{contact['id']}", json={"version": 1, "organisation": "Brunel"})

    assert [finding.code for finding in await empty_organisations(application)] == ["SM120"]


async def test_who_is_deleted_is_forgotten_by_imports(
    people: AsyncClient, database: Database, upload: Upload, run_tasks: RunTasks
) -> None:
    started = await upload(FILE)
    assert started["started_by"] is not None

    async with database.unit_of_work() as session:
        await publish(session, AccountDeleted(account_id=UUID(started["started_by"])))
    await run_tasks()

    assert (await people.get(f"/api/contacts/imports/{started['id']}")).json()["started_by"] is None


async def test_demo_data_is_written_once(people: AsyncClient, database: Database) -> None:
    for _ in range(2):
        async with database.unit_of_work() as session:
            await demo(session)

    page = (await people.get("/api/contacts", params={"limit": 100})).json()
    assert len(page["items"]) == len(demo_people()) == 60
    assert {item["version"] for item in page["items"]} == {1}
