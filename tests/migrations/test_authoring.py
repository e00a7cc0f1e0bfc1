"""``sm migrate new``: one module's difference, in one file that runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from framework.migrating.authoring import Draft, empty_revision, new_revision
from framework.migrating.connection import MigrationError
from framework.migrating.locations import locations
from framework.migrating.models import model_findings
from framework.migrating.revisions import Kind, read_revision, read_revisions
from framework.migrating.runner import migrate

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule, Recording


@pytest.fixture
async def at_head(empty_database: str, tree: Path, recording: "Recording") -> str:
    await migrate(empty_database, tree, recording)
    return empty_database


async def test_the_first_revision_makes_the_schema_and_the_tables_of_one_module(
    at_head: str, tree: Path, install: Callable[[], "InstalledModule"], recording: "Recording"
) -> None:
    module, neighbour = install(), install()
    for each in (module, neighbour):
        each.declares("name: Mapped[str] = mapped_column(index=True)")

    path = await new_revision(at_head, Draft(root=tree, module=module.name, message="Things, at last"))

    assert path == module.revisions / "0001_things_at_last.py"
    revision = read_revision(path, module.name)
    assert (revision.id, revision.parents, revision.kind) == (f"{module.name}_0001", (), Kind.EXPAND)
    assert revision.title == "Things, at last"
    assert neighbour.name not in path.read_text()
    assert "users" not in path.read_text()

    await migrate(at_head, tree, recording)
    assert recording.done[-1] == revision.id
    assert [finding.owner for finding in await model_findings(at_head, tree) if "fake" in finding.owner] == [
        neighbour.name,
        neighbour.name,
    ]


async def test_what_is_added_expands_and_what_goes_contracts(
    at_head: str, tree: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    kinds = []
    for columns in ("name: Mapped[str]", "name: Mapped[str]\ncolour: Mapped[str | None]", "colour: Mapped[str | None]"):
        module.declares(columns)
        path = await new_revision(at_head, Draft(root=tree, module=module.name, message="step"))
        kinds.append((path.name, read_revision(path, module.name).kind))
        await migrate(at_head, tree, recording)

    assert kinds == [("0001_step.py", "expand"), ("0002_step.py", "expand"), ("0003_step.py", "contract")]


async def test_the_database_must_be_at_head(at_head: str, tree: Path, module: "InstalledModule") -> None:
    missing = module.creates_its_table()
    module.declares("name: Mapped[str]")

    with pytest.raises(MigrationError, match=f"The database lacks {missing}: `sm migrate` first"):
        await new_revision(at_head, Draft(root=tree, module=module.name, message="step"))


async def test_a_database_from_another_line_of_history_is_no_measure(
    at_head: str, tree: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.creates_its_table()
    module.adds_a_column()
    await migrate(at_head, tree, recording)
    module.without_last()
    module.declares("name: Mapped[str]")

    with pytest.raises(MigrationError, match="not in this tree"):
        await new_revision(at_head, Draft(root=tree, module=module.name, message="step"))


async def test_nothing_is_written_where_nothing_differs(
    at_head: str, tree: Path, module: "InstalledModule", recording: "Recording"
) -> None:
    module.declares("name: Mapped[str]")
    draft = Draft(root=tree, module=module.name, message="step")
    await new_revision(at_head, draft)
    await migrate(at_head, tree, recording)

    with pytest.raises(MigrationError, match="are the same"):
        await new_revision(at_head, draft)

    assert len(read_revisions({module.name: module.revisions})) == 1
    assert empty_revision(draft).name == "0002_step.py"


async def test_what_cannot_be_written_as_python_leaves_no_file(
    at_head: str, tree: Path, module: "InstalledModule"
) -> None:
    module.declares("name: Mapped[str]", table_args='(Index("thing_ix", "id", postgresql_where=object()),)')

    with pytest.raises(MigrationError, match=r"cannot be written as Python: .*object at"):
        await new_revision(at_head, Draft(root=tree, module=module.name, message="step"))

    assert list(module.revisions.iterdir()) == []


async def test_alembic_is_told_of_the_new_folder(at_head: str, tree: Path, module: "InstalledModule") -> None:
    module.declares("name: Mapped[str]")

    await new_revision(at_head, Draft(root=tree, module=module.name, message="step"))

    listed = locations()[module.name].relative_to(tree).as_posix()
    assert (
        tree / "pyproject.toml"
    ).read_text() == f'[tool.alembic]\nversion_locations = [\n    "%(here)s/{listed}",\n]\n'


async def test_a_module_that_is_not_installed_is_named(at_head: str, tree: Path) -> None:
    with pytest.raises(MigrationError, match="'nowhere' is not installed; there are seamark, "):
        await new_revision(at_head, Draft(root=tree, module="nowhere", message="step"))
