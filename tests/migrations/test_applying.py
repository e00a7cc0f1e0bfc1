"""``sm migrate`` and Alembic's own commands, on real databases."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from alembic.config import CommandLine, Config
from framework.embedded.postgres import client_program
from framework.migrating import connection as connecting
from framework.migrating.connection import MigrationError
from framework.migrating.locations import locations
from framework.migrating.revisions import heads, read_revisions
from framework.migrating.runner import migrate
from typer.testing import Result

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Recording

type Sm = Callable[..., Awaitable[Result]]


async def connect(url: str) -> Any:
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def versions(url: str) -> set[str]:
    connection = await connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT version_num FROM seamark.alembic_version")}
    finally:
        await connection.close()


async def alembic(*words: str, root: Path) -> str:
    """What Alembic's command line does, in a thread because ``env.py`` brings an event loop of its own."""
    output = StringIO()
    line = CommandLine()
    options = line.parser.parse_args(words)
    config = Config(toml_file=root / "pyproject.toml", cmd_opts=options, stdout=output, output_buffer=output)
    await asyncio.to_thread(line.run_cmd, config, options)
    return output.getvalue()


@pytest.fixture
def database(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty one, which ``SM_DATABASE_URL`` names."""
    monkeypatch.setenv("SM_DATABASE_URL", empty_database)
    return empty_database


async def test_alembic_upgrade_head_means_every_branch(root: Path, database: str, module: "InstalledModule") -> None:
    applied = module.creates_its_table()

    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert await versions(database) == set(heads(read_revisions(locations()).values()))
    assert f"Running upgrade  -> {applied}, Step 1\n" in done.stderr


async def test_alembic_shows_every_branch_of_the_tree(root: Path, database: str, recording: "Recording") -> None:
    await migrate(database, root, recording)

    for command in ("heads", "history", "current"):
        shown = await alembic(command, root=root)
        assert [head for head in heads(read_revisions(locations()).values()) if f"{head} " not in shown] == []


async def test_the_window_is_recorded_by_whichever_command_migrates(
    root: Path, database: str, module: "InstalledModule"
) -> None:
    first, second = module.creates_its_table(), module.adds_a_column()
    third = module.drops_it_again()
    rows = [(first, [], "expand"), (second, [first], "expand"), (third, [second], "contract")]
    connection = await connect(database)

    async def recorded() -> list[tuple[Any, ...]]:
        window = "SELECT revision, parents, kind FROM seamark.migration_window WHERE branch = $1 ORDER BY 1"
        return [tuple(row) for row in await connection.fetch(window, module.name)]

    await alembic("upgrade", "head", root=root)
    assert await recorded() == rows
    await alembic("downgrade", f"{module.name}@-1", root=root)
    assert await recorded() == rows[:2]
    await alembic("stamp", first, root=root)
    assert await recorded() == rows[:1]
    await connection.close()


async def test_check_exits_with_1_while_revisions_are_missing(sm_migrate: Sm, module: "InstalledModule") -> None:
    applied = module.creates_its_table()

    behind = await sm_migrate("--check")
    assert behind.exit_code == 1
    assert f"{applied}  Step 1 (expand)" in behind.output

    done = await sm_migrate()
    assert done.exit_code == 0
    assert f"✓ {applied}" in done.output

    assert (await sm_migrate("--check")).exit_code == 0


async def test_showing_the_plan_changes_nothing(sm_migrate: Sm, empty_database: str, module: "InstalledModule") -> None:
    planned = module.creates_its_table()

    shown = await sm_migrate("--plan")

    assert shown.exit_code == 0
    assert planned in shown.output
    connection = await connect(empty_database)
    assert await connection.fetchval("SELECT to_regnamespace('seamark')") is None
    await connection.close()


async def test_a_revision_that_fails_leaves_those_before_it_and_the_next_run_goes_on(
    root: Path, empty_database: str, module: "InstalledModule", recording: "Recording"
) -> None:
    first = module.creates_its_table()
    broken = module.revision('op.execute("CREATE TABLE nowhere.thing ()")')

    with pytest.raises(MigrationError, match=rf'{broken} failed: .*schema "nowhere" does not exist') as failed:
        await migrate(empty_database, root, recording)

    assert "0002_step.py" in str(failed.value)
    assert first in await versions(empty_database)

    module.without_last()
    module.adds_a_column()
    applied = [revision.id for revision in (await migrate(empty_database, root, recording)).revisions]
    assert broken in applied
    assert first not in applied


async def test_a_lock_that_somebody_holds_is_tried_again(
    root: Path,
    empty_database: str,
    module: "InstalledModule",
    recording: "Recording",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "LOCK_TIMEOUT", 0.1)
    module.creates_its_table()
    await migrate(empty_database, root, recording)
    altering = module.adds_a_column()
    reader = await connect(empty_database)
    await reader.execute(f"BEGIN; SELECT * FROM {module.name}.thing")

    migrating = asyncio.create_task(migrate(empty_database, root, recording))
    while not recording.pauses:  # noqa: ASYNC110 - the report is called in the migrator's own time
        await asyncio.sleep(0.01)
    await reader.execute("COMMIT")
    await reader.close()
    await migrating

    assert recording.done[-1] == altering
    assert set(recording.pauses) == {altering}


async def test_an_older_release_may_migrate_a_database_that_only_expanded(
    sm_migrate: Sm, module: "InstalledModule", install: Callable[[], "InstalledModule"], empty_database: str
) -> None:
    module.creates_its_table()
    newer = module.adds_a_column()
    await sm_migrate()
    module.without_last()
    other = install().creates_its_table()

    done = await sm_migrate()

    assert done.exit_code == 0
    assert {newer, other} <= await versions(empty_database)
    assert f"{module.name} is ahead of this code by {newer}" in done.output


async def test_an_older_release_does_not_touch_a_database_that_was_contracted(
    sm_migrate: Sm, module: "InstalledModule", install: Callable[[], "InstalledModule"], empty_database: str
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    module.drops_it_again()
    await sm_migrate()
    module.without_last()
    other = install().creates_its_table()

    refused = await sm_migrate()

    assert refused.exit_code == 1
    assert "SM010" in refused.output
    assert other not in await versions(empty_database)
    assert (await sm_migrate("--check")).exit_code == 1


async def test_behind_pgbouncer_the_direct_address_is_asked_for(
    sm_migrate: Sm, monkeypatch: pytest.MonkeyPatch, empty_database: str
) -> None:
    monkeypatch.setenv("SM_DATABASE_PGBOUNCER", "true")

    refused = await sm_migrate()
    assert refused.exit_code == 1
    assert "SM_DATABASE_DIRECT_URL" in refused.output

    monkeypatch.setenv("SM_DATABASE_DIRECT_URL", empty_database)
    monkeypatch.setenv("SM_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/pgbouncer")
    assert (await sm_migrate()).exit_code == 0


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        (r"/\w+$", "/nowhere", 'database "nowhere" does not exist'),
        (r"seamark:[^@]+", "seamark:guess", 'password authentication failed for user "seamark"'),
        (r"@[^/]+", "@127.0.0.1:1", "Connect call failed"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_line(
    sm_migrate: Sm, monkeypatch: pytest.MonkeyPatch, empty_database: str, there: str, instead: str, said: str
) -> None:
    monkeypatch.setenv("SM_DATABASE_URL", re.sub(there, instead, empty_database))

    failed = await sm_migrate()

    assert failed.exit_code == 1
    assert failed.output.startswith("Postgres at 127.0.0.1:")
    assert failed.output.count("\n") == 1
    assert said in failed.output


async def test_offline_sql_makes_the_same_database(root: Path, database: str, module: "InstalledModule") -> None:
    module.creates_its_table()
    module.adds_a_column()

    script = await alembic("upgrade", "head", "--sql", root=root)
    # By psql, which sends one statement after the other: in one message with others, no index can be built concurrently.
    psql = [client_program("psql"), "-q", "-v", "ON_ERROR_STOP=1", database.replace("+asyncpg", "")]
    done = await asyncio.to_thread(subprocess.run, psql, input=script, capture_output=True, text=True, check=False)
    assert done.stderr == ""

    assert await versions(database) == set(heads(read_revisions(locations()).values()))
