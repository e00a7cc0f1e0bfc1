"""Telling people, through the whole application and a real database."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from framework.database import Database
from framework.settings import settings_of
from host.testing.people import SignIn
from httpx import AsyncClient
from notifications.contract import notify
from notifications.service import COUNTED_UP_TO
from notifications.settings import NotificationsSettings
from notifications.tables import Notice
from notifications.tasks import purge
from sqlalchemy import select, update

type Tell = Callable[..., Awaitable[None]]
type RunTasks = Callable[[], Awaitable[Any]]


@pytest.fixture
async def ada(client: AsyncClient, sign_in: SignIn) -> UUID:
    """Who ``client`` is from now on."""
    return await sign_in(client)


@pytest.fixture
def tell(database: Database) -> Tell:
    async def tell(account_id: UUID, *titles: str, **more: Any) -> None:
        for title in titles:
            async with database.unit_of_work() as session:
                await notify(session, account_id, title, **more)

    return tell


async def titles(client: AsyncClient) -> list[str]:
    return [item["title"] for item in (await client.get("/api/notifications")).json()["items"]]


async def unread(client: AsyncClient) -> int:
    count: int = (await client.get("/api/notifications/unread")).json()["count"]
    return count


async def test_a_person_sees_what_they_are_told_with_the_latest_first(
    client: AsyncClient, ada: UUID, tell: Tell
) -> None:
    await tell(ada, "First")
    await tell(ada, "Second", path="/contacts/7?tab=1", body="Nothing to do.")

    latest, earlier = (await client.get("/api/notifications")).json()["items"]

    assert (latest["title"], latest["body"], latest["path"], latest["read_at"]) == (
        "Second",
        "Nothing to do.",
        "/contacts/7?tab=1",
        None,
    )
    assert (earlier["title"], earlier["body"], earlier["path"]) == ("First", "", None)
    assert await unread(client) == 2


async def test_what_is_rolled_back_is_told_to_nobody(client: AsyncClient, ada: UUID, database: Database) -> None:
    async with database.unit_of_work() as session:
        await notify(session, ada, "Never")
        await session.rollback()

    assert (await titles(client), await unread(client)) == ([], 0)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "contacts",
        "",
        "/a b",
        "/a\n",
        "/a\\b",
    ],
)
async def test_a_notice_leads_nowhere_else(tell: Tell, path: str) -> None:
    with pytest.raises(ValueError, match="a page of this application"):
        await tell(uuid4(), "Look", path=path)


async def test_reading_one_keeps_when_that_was(client: AsyncClient, ada: UUID, tell: Tell) -> None:
    await tell(ada, "First", "Second")
    [second, _] = (await client.get("/api/notifications")).json()["items"]

    assert (await client.post(f"/api/notifications/{second['id']}/read")).status_code == 204
    [read, other] = (await client.get("/api/notifications")).json()["items"]
    await client.post(f"/api/notifications/{second['id']}/read")

    assert read["read_at"] is not None
    assert other["read_at"] is None
    assert (await client.get("/api/notifications")).json()["items"][0]["read_at"] == read["read_at"]
    assert await unread(client) == 1


async def test_all_are_read_at_once(client: AsyncClient, ada: UUID, tell: Tell) -> None:
    await tell(ada, "First", "Second")

    assert (await client.post("/api/notifications/read")).status_code == 204

    assert await unread(client) == 0
    assert await titles(client) == ["Second", "First"]


async def test_what_is_deleted_is_gone(client: AsyncClient, ada: UUID, tell: Tell) -> None:
    await tell(ada, "First", "Second")
    [second, _] = (await client.get("/api/notifications")).json()["items"]

    assert (await client.delete(f"/api/notifications/{second['id']}")).status_code == 204

    assert await titles(client) == ["First"]
    assert (await client.delete(f"/api/notifications/{second['id']}")).json()["code"] == "notifications.not_found"


async def test_nobody_sees_or_changes_what_others_are_told(
    client: AsyncClient, ada: UUID, tell: Tell, signed_in_client: Callable[..., Awaitable[AsyncClient]]
) -> None:
    await tell(ada, "For Ada")
    [notice] = (await client.get("/api/notifications")).json()["items"]
    administrator = await signed_in_client(administrator=True)

    assert (await titles(administrator), await unread(administrator)) == ([], 0)
    assert (await administrator.post(f"/api/notifications/{notice['id']}/read")).status_code == 404
    assert (await administrator.delete(f"/api/notifications/{notice['id']}")).status_code == 404
    await administrator.post("/api/notifications/read")

    assert (await titles(client), await unread(client)) == (["For Ada"], 1)


async def test_many_are_counted_no_further_than_people_read(client: AsyncClient, ada: UUID, database: Database) -> None:
    async with database.unit_of_work() as session:
        for number in range(COUNTED_UP_TO + 5):
            await notify(session, ada, f"Number {number}")

    assert await unread(client) == COUNTED_UP_TO


async def test_old_ones_are_forgotten(
    client: AsyncClient, ada: UUID, tell: Tell, database: Database, run_tasks: RunTasks
) -> None:
    await tell(ada, "Old")
    age = timedelta(days=settings_of(NotificationsSettings).keep_days, seconds=1)
    async with database.unit_of_work() as session:
        await session.execute(update(Notice).values(created_at=datetime.now(UTC) - age))
    await tell(ada, "New")

    async with database.unit_of_work() as session:
        await purge.enqueue(session)
    await run_tasks()

    assert await titles(client) == ["New"]


async def test_notices_go_with_the_account(
    ada: UUID,
    tell: Tell,
    database: Database,
    run_tasks: RunTasks,
    signed_in_client: Callable[..., Awaitable[AsyncClient]],
) -> None:
    await tell(ada, "For Ada")
    await tell(uuid4(), "For somebody else")

    administrator = await signed_in_client(administrator=True)
    assert (await administrator.delete(f"/api/users/accounts/{ada}")).status_code == 204
    await run_tasks()

    async with database.unit_of_work(read_only=True) as session:
        assert (await session.scalars(select(Notice.title))).all() == ["For somebody else"]
