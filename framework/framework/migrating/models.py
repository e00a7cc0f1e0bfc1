"""The tables that modules declare, and whether the migrations make them (SM018).

Asking imports the modules, so only commands that compare schemas do, in a process of their own.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from textwrap import shorten

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import ops
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from framework.codes import SM018
from framework.database import module_metadata
from framework.findings import Finding
from framework.migrating.configuration import alembic_config
from framework.migrating.connection import migration_connection
from framework.migrating.locations import FRAMEWORK, packages

TABLES = "tables.py"


def metadata_of(branch: str) -> MetaData:
    """``module_metadata(branch)`` with every table that a ``tables.py`` of the package declares."""
    folder = packages()[branch]
    package = "framework" if branch == FRAMEWORK else branch
    for path in sorted(folder.rglob(TABLES)):
        import_module(".".join((package, *path.relative_to(folder).with_suffix("").parts)))
    return module_metadata(branch)


async def model_findings(url: str, root: Path) -> list[Finding]:
    """One ``SM018`` for every operation that would bring the database, which is at head, to the declared tables."""
    async with migration_connection(url) as connection:
        return [finding for branch in packages() for finding in await connection.run_sync(_differences, root, branch)]


def _differences(connection: Connection, root: Path, branch: str) -> list[Finding]:
    metadata = metadata_of(branch)
    config = alembic_config(root)
    found: list[Finding] = []

    def compare(_: tuple[str, ...], context: MigrationContext) -> list[RevisionStep]:
        upgrade = produce_migrations(context, metadata).upgrade_ops
        found.extend(
            SM018.finding(
                f"the migrations of {branch} do not make its tables: {_shown(operation)}",
                hint=f'sm migrate new {branch} -m "…"',
                owner=branch,
            )
            for operation in flat(upgrade.ops if upgrade else ())
        )
        return []

    config.attributes.update(connection=connection, compare=(branch,), steps=compare)
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=compare):
        script.run_env()
    return found


def flat(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Each operation by itself; Alembic groups those on one table."""
    return [
        inner
        for operation in operations
        for inner in (flat(operation.ops) if isinstance(operation, ops.OpContainer) else [operation])
    ]


def _shown(operation: ops.MigrateOperation) -> str:
    """As a revision would call it, in one line."""
    lines = render_python_code(ops.UpgradeOps([operation])).splitlines()
    return shorten(" ".join(line for line in lines if not line.strip().startswith("#")), 120, placeholder=" …")
