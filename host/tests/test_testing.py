"""The test suite's own ground: what a test is given, and what no test can reach."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from framework.application import Application
from host.testing.databases import Cleaner, ForeignDatabaseError, create_database, drop_database
from host.testing.servers import Addresses


@pytest.fixture
async def superuser(servers: Addresses, worker_number: int) -> AsyncIterator[tuple[str, Any]]:
    """A database of the suite with some content, its address for a superuser and a connection of such."""
    name = f"seamark_cleaned_{worker_number}"
    await create_database(servers, name)
    url = servers.superuser.format(database=name)
    connection = await asyncpg.connect(url)
    await connection.execute(
        """
        CREATE SCHEMA "Odd Name";
        CREATE TABLE "Odd Name".parent (id int PRIMARY KEY, note text);
        CREATE TABLE "Odd Name".child (parent_id int REFERENCES "Odd Name".parent);
        CREATE TABLE log (entry text);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''append only''; END';
        CREATE TRIGGER append_only BEFORE DELETE ON log FOR EACH ROW EXECUTE FUNCTION refuse();
        INSERT INTO "Odd Name".parent VALUES (1, 'of a migration'), (2, NULL);
        """
    )
    yield url, connection
    await connection.close()
    await drop_database(servers, name)


async def test_cleaning_brings_back_what_the_migrations_wrote(superuser: tuple[str, Any]) -> None:
    url, connection = superuser
    cleaner = await Cleaner.connect(url)
    content = 'SELECT (SELECT array_agg((id, note)) FROM "Odd Name".parent), (SELECT count(*) FROM "Odd Name".child), (SELECT count(*) FROM log)'
    before = await connection.fetchrow(content)

    for change in (
        'INSERT INTO "Odd Name".parent VALUES (3); INSERT INTO "Odd Name".child VALUES (3), (1)',
        """UPDATE "Odd Name".parent SET note = 'changed'""",
        'DELETE FROM "Odd Name".parent',
        "INSERT INTO log VALUES ('once and for all')",
    ):
        await connection.execute(change)
        assert await connection.fetchrow(content) != before
        await cleaner.clean()
        assert await connection.fetchrow(content) == before
    await cleaner.close()


async def test_a_database_that_the_suite_did_not_make_is_left_alone(superuser: tuple[str, Any]) -> None:
    url, connection = superuser
    await connection.execute(f"COMMENT ON DATABASE {url.rpartition('/')[2]} IS NULL")

    with pytest.raises(ForeignDatabaseError):
        await Cleaner.connect(url)


async def test_a_person_has_the_permissions_that_the_test_gave(
    client: httpx.AsyncClient, sign_in: Callable[..., Awaitable[Any]], application: Application
) -> None:
    await sign_in(client, ("users.view",))
    assert (await client.get("/api/users/me")).json()["permissions"] == ["users.view"]

    await sign_in(client, administrator=True)
    assert set((await client.get("/api/users/me")).json()["permissions"]) == application.permissions


async def test_a_live_client_is_signed_in_over_a_real_connection(
    live_client: httpx.AsyncClient, sign_in: Callable[..., Awaitable[Any]]
) -> None:
    assert (await live_client.get("/api/users/me")).status_code == 401
    await sign_in(live_client)
    assert (await live_client.get("/api/users/me")).status_code == 200


INNER = """
import os
from framework.settings import Settings

def test_nothing_of_the_developer_is_here():
    assert "SM_DATABASE_URL" not in os.environ
    assert os.environ["SM_ENVIRONMENT"] == "test"
    settings = Settings(database_url="postgresql+asyncpg://a@b/c", redis_url="redis://d")
    assert settings.modules_enabled is None
    assert settings.vite_url is None
"""


def test_no_setting_of_the_developer_reaches_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / ".env").write_text("SM_VITE_URL=http://localhost:1\nSM_ENVIRONMENT=development\n")
    hostile = {"SM_DATABASE_URL": "postgresql+asyncpg://a@b/production", "SM_MODULES_ENABLED": "nothing"}

    inner = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        check=False,
    )

    assert inner.returncode == 0, inner.stdout
