"""What a database remembers of its revisions: Alembic's version table and the compatibility window, in schema ``seamark``.

Made before the first revision of any branch runs, so no revision creates them and autogenerate passes over them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Column, Connection, DateTime, MetaData, String, Table, cast, delete, func, inspect, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.schema import CreateTable

from framework.migrating.locations import FRAMEWORK
from framework.migrating.revisions import Revision, closure

VERSION_TABLE = "alembic_version"
WINDOW_TABLE = "migration_window"

_metadata = MetaData(schema=FRAMEWORK)
# Alembic's own would be 32 characters short of a long module name.
versions = Table(VERSION_TABLE, _metadata, Column("version_num", String, primary_key=True))
window = Table(
    WINDOW_TABLE,
    _metadata,
    Column("revision", String, primary_key=True),
    Column("branch", String, nullable=False),
    Column("parents", ARRAY(String), nullable=False),
    Column("kind", String, nullable=False),
    Column("runs_since", String),
    Column("applied_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


def is_prepared(connection: Connection) -> bool:
    inspector = inspect(connection)
    if not all(inspector.has_table(table.name, schema=FRAMEWORK) for table in (versions, window)):
        return False
    return {column["name"] for column in inspector.get_columns(WINDOW_TABLE, FRAMEWORK)} >= set(window.c.keys())


def prepare(context: MigrationContext) -> None:
    """Create schema and tables, or what they lack."""
    context.execute(text(f"CREATE SCHEMA IF NOT EXISTS {FRAMEWORK}"))
    for table in (versions, window):
        # Offline, Alembic writes its own version table.
        if not (context.as_sql and table is versions):
            context.execute(CreateTable(table, if_not_exists=True))
    # Of a database that an earlier release prepared; without the notice that IF NOT EXISTS gives everybody else.
    added = f"ALTER TABLE {FRAMEWORK}.{WINDOW_TABLE} ADD COLUMN runs_since varchar"
    context.execute(text(f"DO $$ BEGIN {added}; EXCEPTION WHEN duplicate_column THEN END $$"))


class Recorder:
    """Writes the window in the transaction that applies a revision; Alembic's ``on_version_apply``."""

    def __init__(self, revisions: Mapping[str, Revision]) -> None:
        self._revisions = revisions

    def __call__(
        self, ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
    ) -> None:
        if step.is_stamp:
            # A stamp moves anywhere, over any number of revisions.
            applied = [id_ for id_ in closure(heads, self._revisions) if id_ in self._revisions]
            ctx.execute(delete(window).where(window.c.revision.in_(self._revisions)))
            for id_ in applied:
                self._add(ctx, id_)
        elif step.is_upgrade:
            self._add(ctx, str(step.up_revision_id))
        else:
            ctx.execute(delete(window).where(window.c.revision == step.up_revision_id))

    def _add(self, ctx: MigrationContext, id_: str) -> None:
        revision = self._revisions[id_]
        values = {
            "branch": revision.branch,
            "parents": cast(list(revision.parents), ARRAY(String)),
            "kind": revision.kind.value,
            "runs_since": revision.runs_since or None,
        }
        statement = insert(window).values(revision=id_, **values)
        ctx.execute(statement.on_conflict_do_update(index_elements=["revision"], set_=values))
