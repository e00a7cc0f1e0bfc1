"""Who started an import is told how it ended."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from contacts.contract import ImportFinished
from contacts.module import module
from contacts.tables import Import
from framework.database import Database
from framework.events import publish
from framework.subscriptions import subscribers_of
from httpx import AsyncClient
from sqlalchemy import update
from users.contract import AccountDeleted

type Upload = Callable[..., Awaitable[dict[str, Any]]]
type RunTasks = Callable[[], Awaitable[Any]]
type Finish = Callable[..., Awaitable[None]]
FILE = "name,email\nAnna,anna@example.com\n"


@pytest.fixture
def finish(database: Database) -> Finish:
    """``await finish(import_, "failed", created=3)``: without reading the file."""

    async def finish(import_: dict[str, Any], status: str, **counts: int) -> None:
        given = {"created": 0, "updated": 0, "rejected": 0, **counts}
        started_by = UUID(import_["started_by"])
        async with database.unit_of_work() as session:
            await session.execute(update(Import).where(Import.id == UUID(import_["id"])).values(message="Why."))
            event = ImportFinished(import_id=UUID(import_["id"]), status=status, started_by=started_by, **given)
            await publish(session, event)

    return finish


async def notices(client: AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/notifications")).json()["items"]
    return found


async def test_the_owner_learns_that_it_is_done_and_where_to_look(
    people: AsyncClient, import_file: Upload, signed_in_client: Callable[..., Awaitable[AsyncClient]]
) -> None:
    colleague = await signed_in_client(permissions=("contacts.view", "contacts.write"))

    done = await import_file("name,email\nAnna,anna@example.com\nBea,bea@example.com\nNobody,nowhere\n")

    [notice] = await notices(people)
    assert notice["title"] == "Your import of people.csv is done: 2 created, 1 rejected"
    assert (notice["path"], notice["body"]) == (f"/contacts/imports/{done['id']}", "")
    assert await notices(colleague) == []


@pytest.mark.parametrize(
    ("status", "counts", "title", "body"),
    [
        ("succeeded", {"created": 4980, "rejected": 20}, "is done: 4,980 created, 20 rejected", ""),
        ("succeeded", {"updated": 1}, "is done: 1 updated", ""),
        ("succeeded", {}, "is done: it has no rows", ""),
        ("failed", {"created": 1000}, "did not come to its end", "Why."),
        ("cancelled", {"created": 1000}, "was stopped", "Why."),
    ],
)
async def test_each_end_is_told_in_its_words(
    people: AsyncClient,
    upload: Upload,
    finish: Finish,
    run_tasks: RunTasks,
    database: Database,
    status: str,
    counts: dict[str, int],
    title: str,
    body: str,
) -> None:
    import_ = await upload(FILE)
    await run_tasks()
    await people.post("/api/notifications/read")

    await finish(import_, status, **counts)
    await run_tasks()

    [notice] = [item for item in await notices(people) if item["read_at"] is None]
    assert (notice["title"], notice["body"]) == (f"Your import of people.csv {title}", body)


async def test_whoever_is_deleted_meanwhile_is_told_nothing(
    people: AsyncClient, upload: Upload, finish: Finish, run_tasks: RunTasks, database: Database
) -> None:
    import_ = await upload(FILE)
    await finish(import_, "succeeded", created=1)
    async with database.unit_of_work() as session:
        await session.execute(update(Import).values(started_by=None))
        await publish(session, AccountDeleted(account_id=UUID(import_["started_by"])))

    await run_tasks()

    assert await notices(people) == []


def test_of_one_import_the_owner_hears_in_the_order_of_what_happened() -> None:
    [told] = [item for item in subscribers_of([module]) if item.event == ImportFinished.event_name]
    assert told.ordered
