"""SM018: the tables that a module declares are those that its migrations make."""

from pathlib import Path
from typing import TYPE_CHECKING

from framework.migrating.models import model_findings
from framework.migrating.runner import migrate

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Recording


async def test_a_table_that_no_migration_made_is_found(
    empty_database: str, root: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.revision(
        f"""
        op.execute("CREATE SCHEMA {module.name}")
        op.execute("CREATE TABLE {module.name}.thing (id uuid CONSTRAINT thing_pkey PRIMARY KEY, name varchar NOT NULL)")
        """
    )
    await migrate(empty_database, root, recording)
    module.declares("name: Mapped[str]")
    assert [item for item in await model_findings(empty_database, root) if item.owner == module.name] == []

    module.declares("name: Mapped[str]\ncolour: Mapped[str | None]")
    (finding,) = [item for item in await model_findings(empty_database, root) if item.owner == module.name]

    assert finding.code == "SM018"
    assert (
        f"op.add_column('thing', sa.Column('colour', sa.String(), nullable=True), schema='{module.name}')"
        in finding.message
    )
    assert finding.hint == f'sm migrate new {module.name} -m "…"'
