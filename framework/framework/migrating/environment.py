"""What ``migrations/env.py`` does for every Alembic command, those behind ``sm migrate`` included.

``Config.attributes`` may hold ``connection`` (open, and locked where the command writes), ``steps`` (Alembic's ``fn``) and
``compare`` (the branches whose tables and database are to be compared).
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from alembic import context
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from framework.findings import BootError
from framework.migrating.bookkeeping import VERSION_TABLE, WINDOW_TABLE, Recorder, is_prepared, prepare
from framework.migrating.connection import MigrationError, MigrationSettings, migration_connection, only_migrator
from framework.migrating.locations import FRAMEWORK, locations, packages
from framework.migrating.revisions import read_revisions
from framework.settings import load

WRITING = frozenset({"upgrade", "downgrade", "stamp"})


def run() -> None:
    """On Alembic's own command line what is wrong is one line (``CommandError``)."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    add_locations(context.script)
    connection = context.config.attributes.get("connection")
    if isinstance(connection, Connection):
        _run(connection)
        return
    try:
        if context.is_offline_mode():
            _run(None)
        else:
            logging.basicConfig(format="%(message)s")
            asyncio.run(_connect_and_run())
    except (BootError, MigrationError) as error:
        raise CommandError(str(error)) from error


async def _connect_and_run() -> None:
    async with migration_connection(load(MigrationSettings).url) as connection:
        if _command(context.config) in WRITING:
            async with only_migrator(connection, lambda who: context.config.print_stdout(f"waiting for {who}")):
                await connection.run_sync(_run)
        else:
            await connection.run_sync(_run)


def _run(connection: Connection | None) -> None:
    config, script = context.config, context.script
    branches = config.attributes.get("compare") or (packages() if _command(config) in ("check", "revision") else ())
    options: dict[str, Any] = {}
    if steps := config.attributes.get("steps") or _steps_to_all_heads(config, script):
        options["fn"] = steps
    context.configure(
        connection=connection,
        dialect_name="postgresql",
        literal_binds=connection is None,
        dialect_opts={"paramstyle": "named"},
        version_table=VERSION_TABLE,
        version_table_schema=FRAMEWORK,
        # Each revision stands once it is done, so a migrator that was stopped goes on where it was.
        transaction_per_migration=True,
        on_version_apply=Recorder(read_revisions(locations())),
        target_metadata=_metadata(branches),
        include_schemas=True,
        include_name=_only(branches),
        compare_server_default=True,
        process_revision_directives=_refuse_unasked,
        **options,
    )
    if _command(config):
        # From here on the only lines are those that name a revision; `sm migrate` has its own.
        logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
    migration = context.get_context()
    if connection is None:
        prepare(migration)
    elif not migration.opts.get("dont_mutate") and not is_prepared(connection):
        prepare(migration)
        connection.commit()
    else:
        connection.rollback()
    with context.begin_transaction():
        context.run_migrations()


def add_locations(script: ScriptDirectory) -> None:
    """Let Alembic see the modules that were installed from elsewhere, too."""
    script.version_locations = [str(location) for location in locations().values()]


def _metadata(branches: Collection[str]) -> list[MetaData]:
    if not branches:
        return []
    # Not at the top: it brings the web framework along, and whoever only migrates does without.
    from framework.migrating.models import metadata_of  # noqa: PLC0415

    return [metadata_of(branch) for branch in branches]


def _command(config: Config) -> str:
    """The subcommand of Alembic's own command line, else nothing."""
    command = getattr(config.cmd_opts, "cmd", None)
    return command[0].__name__ if command else ""


def _steps_to_all_heads(config: Config, script: ScriptDirectory) -> Any:
    """``alembic upgrade head`` means every branch's head; Alembic itself has ``heads`` for that and refuses ``head``."""
    if _command(config) != "upgrade" or config.cmd_opts is None or config.cmd_opts.revision != "head":
        return None

    def steps(heads: tuple[str, ...], _: MigrationContext) -> Iterable[RevisionStep]:
        return upgrade_steps(script, heads)

    return steps


def upgrade_steps(script: ScriptDirectory, heads: tuple[str, ...]) -> list[RevisionStep]:
    """What leads from ``heads`` to the head of every branch: the framework first, then module by module."""
    # What alembic.command.upgrade calls; there is no public way to ask for it.
    steps = script._upgrade_revs("heads", heads)  # type: ignore[arg-type]  # it takes a tuple, its annotation is too narrow
    # Alembic's order of branches changes from run to run.
    position = {id_: number for number, id_ in enumerate(read_revisions(locations()))}
    waiting = {str(step.info.up_revision_id): step for step in steps}
    ordered: list[RevisionStep] = []

    def take(id_: str) -> None:
        if step := waiting.pop(id_, None):
            for parent in step.info.down_revision_ids:
                take(parent)
            ordered.append(step)

    for id_ in sorted(waiting, key=position.__getitem__):
        take(id_)
    return ordered


def _only(branches: Collection[str]) -> Any:
    """Compare these schemas and none of the framework's bookkeeping."""

    def include(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        if kind == "schema":
            return name in branches
        return not (kind == "table" and parents["schema_name"] == FRAMEWORK and name == WINDOW_TABLE)

    return include


def _refuse_unasked(migration: MigrationContext, _: object, scripts: Sequence[MigrationScript]) -> None:
    """A plain ``alembic revision --autogenerate`` would put the changes of all modules into one file."""
    if _command(migration.config) == "revision":  # type: ignore[arg-type]
        raise CommandError('Revisions belong to one module: sm migrate new <module> -m "what changes"')
