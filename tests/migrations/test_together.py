"""Twenty migrators at once, with an index that is built concurrently (a blocking lock would hang them all)."""

from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Start

MIGRATORS = 20


async def test_one_of_twenty_migrators_applies_and_the_others_wait(
    empty_database: str, module: "InstalledModule", start_migrator: "Start"
) -> None:
    module.creates_its_table()
    indexing = module.indexes_it()
    last = module.adds_a_column()

    migrators = [start_migrator() for _ in range(MIGRATORS)]
    said = [await migrator.end() for migrator in migrators]

    assert [text for text in said if not text.endswith("exit 0\n")] == []
    applied = [text for text in said if f"✓ {last}" in text]
    assert len(applied) == 1
    assert f"✓ {indexing}" in applied[0]
    idle = [text for text in said if "✓ The database has every revision" in text]
    assert len(idle) == MIGRATORS - 1
    assert sum("Waiting for another migrator" in text for text in idle) > MIGRATORS // 2
    connection: Any = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass"
    assert await connection.fetchval(valid, f"{module.name}.thing_name_ix")
    await connection.close()
