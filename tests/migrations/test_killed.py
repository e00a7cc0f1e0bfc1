"""A migrator that is killed wherever it is: the lock goes with it, and the next run reaches head."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from framework.migrating.runner import migrate

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Recording, Start

LOCK_IS_FREE = """
SELECT NOT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND datname = current_database()
)
"""
IS_RUNNING = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE $1
)
"""


@pytest.fixture
async def connection(empty_database: str) -> Any:
    connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def until(ask: Callable[[], Awaitable[bool]], seconds: float = 60) -> float:
    """Wait for it to be so; how long that took."""
    began = monotonic()
    while not await ask():
        assert monotonic() - began < seconds
        await asyncio.sleep(0.02)
    return monotonic() - began


@pytest.mark.parametrize(
    ("held_up", "by"),
    [
        # The concurrent build waits for every older transaction that could still see the table without the index.
        pytest.param(
            "CREATE INDEX CONCURRENTLY%", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", id="building an index"
        ),
        # In a transaction that has altered one table and waits for another.
        pytest.param("LOCK TABLE%", "BEGIN; SELECT * FROM {module}.thing", id="in the middle of a transaction"),
    ],
)
async def test_killed_while_it_works(
    held_up: str,
    by: str,
    connection: Any,
    empty_database: str,
    root: Path,
    module: "InstalledModule",
    recording: "Recording",
    start_migrator: "Start",
) -> None:
    module.creates_its_table()
    await migrate(empty_database, root, recording)
    if held_up.startswith("CREATE"):
        module.indexes_it()
    else:
        module.revision(
            f"""
            op.execute("CREATE TABLE {module.name}.other ()")
            op.execute("LOCK TABLE {module.name}.thing")
            """
        )
    last = module.adds_a_column()
    reader = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    await reader.execute(by.format(module=module.name))

    killed = start_migrator()
    await until(lambda: connection.fetchval(IS_RUNNING, held_up))
    killed.kill()

    assert await until(lambda: connection.fetchval(LOCK_IS_FREE)) < 2
    await reader.close()
    done = await migrate(empty_database, root, recording)
    assert done.revisions[-1].id == last
    assert len(done.revisions) == 2
    assert await connection.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


async def test_killed_again_and_again_it_gets_further(
    connection: Any,
    empty_database: str,
    root: Path,
    module: "InstalledModule",
    recording: "Recording",
    start_migrator: "Start",
) -> None:
    module.creates_its_table()
    for number in range(4):
        module.revision(f'op.execute("ALTER TABLE {module.name}.thing ADD COLUMN column{number} text")')
        module.revision(
            f'create_index_concurrently("thing_{number}_ix", "thing", ["column{number}"], schema="{module.name}")'
        )

    for _ in range(6):
        killed = start_migrator()
        # Printed after a commit; the next revision has begun when we have read it.
        await killed.says("✓ ")
        killed.kill()

    await migrate(empty_database, root, recording)
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = $1 AND column_name LIKE 'column%'"
    assert await connection.fetchval(columns, module.name) == 4
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = $1 AND indexname LIKE 'thing_%_ix'"
    assert await connection.fetchval(indexes, module.name) == 4
    assert await connection.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
