"""SM010: the states that a database can be in, as this code sees it."""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from fastapi import FastAPI
from framework.findings import Finding
from framework.migrating.locations import locations
from framework.migrating.revisions import read_revisions
from framework.migrating.runner import migrate
from framework.migrating.state import compare, findings, read_applied, schema_findings
from host.boot import create_app
from host.testing.fixtures import LifespanError, running

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Recording


@pytest.fixture
async def connection(empty_database: str) -> Any:
    connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def judged(connection: Any, branches: Collection[str]) -> list[Finding]:
    """As the boot judges: only the files of the enabled modules are read."""
    code = read_revisions({name: folder for name, folder in locations().items() if name in branches})
    return findings(compare(code, await read_applied(connection), branches))


async def test_an_empty_database_is_behind(connection: Any, module: "InstalledModule") -> None:
    first, second = module.creates_its_table(), module.adds_a_column()

    (finding,) = await judged(connection, [module.name])

    assert finding.code == "SM010"
    assert finding.owner == module.name
    assert finding.message == f"the database is behind: revisions {first}, {second} not applied"
    assert "sm migrate" in finding.hint


async def test_a_database_one_revision_behind_names_it(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    await migrate(empty_database, root, recording)
    second = module.adds_a_column()

    (finding,) = await judged(connection, ["seamark", module.name])

    assert finding.message == f"the database is behind: revision {second} not applied"


async def test_at_head_nothing_is_found(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.indexes_it()
    await migrate(empty_database, root, recording)

    assert await judged(connection, locations()) == []


async def test_the_release_before_runs_on_what_only_expanded(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    await migrate(empty_database, root, recording)
    module.without_last()

    assert await judged(connection, [module.name]) == []


async def test_the_release_before_refuses_what_was_contracted(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    contracted = module.drops_it_again()
    await migrate(empty_database, root, recording)
    module.without_last()

    (finding,) = await judged(connection, [module.name])

    assert finding.message == f"the database is ahead of this code: revision {contracted} took away what it needs"


async def test_a_release_that_no_longer_used_it_runs_on_what_was_contracted(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    stopped_using_it = module.revision("pass")
    module.drops_it_again(runs_since=stopped_using_it)
    await migrate(empty_database, root, recording)

    module.without_last()
    assert await judged(connection, [module.name]) == []
    module.without_last()
    (finding,) = await judged(connection, [module.name])
    assert "took away what it needs" in finding.message


async def test_a_window_that_an_earlier_release_made_is_read_and_completed(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    await migrate(empty_database, root, recording)
    await connection.execute("ALTER TABLE seamark.migration_window DROP COLUMN runs_since")
    assert await judged(connection, [module.name]) == []

    module.adds_a_column()
    await migrate(empty_database, root, recording)
    assert await judged(connection, [module.name]) == []


async def test_two_releases_back_one_contraction_in_between_refuses(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    contracted = module.drops_it_again()
    module.adds_a_column()
    await migrate(empty_database, root, recording)
    for _ in range(2):
        module.without_last()

    (finding,) = await judged(connection, [module.name])

    assert contracted in finding.message


async def test_a_revision_that_no_migrator_recorded_is_unknown(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    first = module.creates_its_table()
    await migrate(empty_database, root, recording)
    stranger = f"{module.name}_0009"
    await connection.execute(
        "UPDATE seamark.alembic_version SET version_num = $1 WHERE version_num = $2", stranger, first
    )

    found = await judged(connection, [module.name])

    assert [finding.message for finding in found] == [
        f"the database is behind: revision {first} not applied",
        f"the database holds revision {stranger}, which neither this code nor the record of its migrators knows",
    ]


async def test_an_id_that_names_no_branch_counts_for_everybody(
    connection: Any, empty_database: str, root: Path, recording: "Recording"
) -> None:
    await migrate(empty_database, root, recording)
    await connection.execute("INSERT INTO seamark.alembic_version VALUES ('1a2b3c')")

    (finding,) = await judged(connection, ["seamark"])

    assert "1a2b3c" in finding.message


async def test_of_two_heads_in_a_branch_both_are_needed(
    connection: Any, empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    first = module.creates_its_table()
    module.adds_a_column()
    await migrate(empty_database, root, recording)
    other = module.revision("pass", number=3, after=first)

    (finding,) = await judged(connection, [module.name])
    assert finding.message == f"the database is behind: revision {other} not applied"

    await migrate(empty_database, root, recording)
    assert await judged(connection, [module.name]) == []


async def test_a_module_that_is_not_enabled_is_not_judged(
    connection: Any, empty_database: str, root: Path, install: Callable[[], "InstalledModule"], recording: "Recording"
) -> None:
    enabled, disabled = install(), install()
    enabled.creates_its_table()
    disabled.creates_its_table()
    await migrate(empty_database, root, recording)
    disabled.adds_a_column()
    stranger = f"{disabled.name}_0009"
    await connection.execute("INSERT INTO seamark.alembic_version VALUES ($1)", stranger)

    assert await judged(connection, ["seamark", enabled.name]) == []
    assert len(await judged(connection, [disabled.name])) == 2


async def test_a_revision_that_another_branch_depends_on_counts_as_applied(
    connection: Any, empty_database: str, root: Path, install: Callable[[], "InstalledModule"], recording: "Recording"
) -> None:
    # Alembic keeps only the dependent one in its version table.
    base, dependent = install(), install()
    needed = base.creates_its_table()
    dependent.revision("pass")
    path = dependent.revisions / "0001_step.py"
    path.write_text(path.read_text().replace("depends_on = None", f'depends_on = "{needed}"'))
    await migrate(empty_database, root, recording)

    versions = {row[0] for row in await connection.fetch("SELECT version_num FROM seamark.alembic_version")}
    assert needed not in versions
    assert await judged(connection, [base.name]) == []


async def test_the_web_process_refuses_an_empty_database(
    empty_database: str, make_settings: Callable[..., Any], root: Path
) -> None:
    app = create_app(make_settings(database_url=empty_database, modules_enabled=("users",)))

    with pytest.raises(LifespanError) as refused:
        async with running(app):
            pass

    assert "SM010" in str(refused.value)
    assert "users_0001" in str(refused.value)
    assert "`sm migrate` applies" in str(refused.value)


async def test_asking_takes_less_than_50_ms_of_the_processor(app: FastAPI) -> None:
    application = app.state.application
    await schema_findings(application)

    took = []
    for _ in range(5):
        began = time.process_time()
        assert await schema_findings(application) == []
        took.append(time.process_time() - began)

    assert min(took) < 0.05
