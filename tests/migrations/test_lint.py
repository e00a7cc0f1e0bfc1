"""SM024: a revision is what it says it is."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from framework.migrating.authoring import list_locations
from framework.migrating.lint import lint

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule


@pytest.fixture
def listed(tree: Path, module: "InstalledModule") -> Path:
    list_locations(tree)
    return tree


def found(tree: Path) -> list[str]:
    """Of the test's own modules."""
    return [finding.message for finding in lint(tree) if finding.owner.startswith("fake")]


def test_what_the_authoring_tool_writes_passes(listed: Path, module: "InstalledModule") -> None:
    module.creates_its_table()
    module.indexes_it()
    module.adds_a_column()
    module.drops_it_again()

    assert found(listed) == []


@pytest.mark.parametrize(
    ("upgrade", "problem"),
    [
        ('op.drop_table("thing", schema="x")', "calls drop_table"),
        ('op.drop_column("thing", "name", schema="x")', "calls drop_column"),
        ('op.rename_table("thing", "object", schema="x")', "calls rename_table"),
        ('op.alter_column("thing", "name", new_column_name="label", schema="x")', "renames a column"),
        ('op.alter_column("thing", "name", nullable=False, schema="x")', "makes a column mandatory"),
        ('op.alter_column("thing", "name", type_=int, schema="x")', "changes a type"),
        ('op.execute("alter table x.thing drop  column name")', "executes DROP COLUMN"),
        ('op.execute(f"ALTER TABLE {x}.thing RENAME name TO label")', "executes RENAME"),
        ('with op.batch_alter_table("thing") as batch:\n    batch.drop_column("name")', "calls drop_column"),
    ],
)
def test_an_expand_revision_takes_nothing_away(
    listed: Path, module: "InstalledModule", upgrade: str, problem: str
) -> None:
    module.revision(upgrade)
    (message,) = found(listed)
    assert message.endswith(f"an expand revision {problem}")

    module.without_last()
    module.revision(upgrade, kind="contract")
    assert found(listed) == []


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.add_column("thing", "name", schema="x")',
        'op.alter_column("thing", "name", nullable=True, schema="x")',
        'op.drop_constraint("thing_check", "thing", schema="x")',
        'op.execute("CREATE INDEX ON x.thing (name)")',
    ],
)
def test_what_loosens_or_adds_is_no_contraction(listed: Path, module: "InstalledModule", upgrade: str) -> None:
    module.revision(upgrade)

    assert found(listed) == []


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ('kind = "expand"', "", "it does not say its kind"),
        ('kind = "expand"', 'kind = "grow"', "it does not say its kind"),
        ('revision = "{name}_0001"', 'revision = "1a2b3c"', "its id is '1a2b3c'"),
        ('revision = "{name}_0001"', 'revision = "{name}_0007"', "its name does not begin with 0007_"),
        ('branch_labels = ("{name}",)', "branch_labels = None", "the first revision labels its branch"),
        ("depends_on = None", 'depends_on = "users"', "it builds on 'users', which is no revision"),
    ],
)
def test_labels_are_complete(listed: Path, module: "InstalledModule", right: str, wrong: str, problem: str) -> None:
    module.revision("pass")
    path = module.revisions / "0001_step.py"
    text = path.read_text()
    assert right.format(name=module.name) in text.replace("'", '"')
    path.write_text(text.replace("'", '"').replace(right.format(name=module.name), wrong.format(name=module.name)))

    (message,) = found(listed)

    assert problem in message


@pytest.mark.parametrize(
    ("kind", "runs_since", "problem"),
    [
        ("expand", "{name}_0001", "runs_since is for what contracts"),
        ("contract", "{name}_0002", "runs_since names '{name}_0002'"),
        ("contract", "users_0001", "runs_since names 'users_0001'"),
    ],
)
def test_only_a_contraction_says_since_when_code_bears_it(
    listed: Path, module: "InstalledModule", kind: str, runs_since: str, problem: str
) -> None:
    module.creates_its_table()
    module.revision("pass", kind=kind, runs_since=runs_since.format(name=module.name))

    (message,) = found(listed)

    assert problem.format(name=module.name) in message


def test_two_heads_in_a_module_are_found(listed: Path, module: "InstalledModule") -> None:
    first, second = module.creates_its_table(), module.adds_a_column()
    third = module.revision("pass", number=3, after=first)

    assert found(listed) == [f"{second} and {third} are both the last revision"]


def test_one_id_in_two_files_is_found(listed: Path, module: "InstalledModule") -> None:
    module.creates_its_table()
    (module.revisions / "0001_again.py").write_text((module.revisions / "0001_step.py").read_text())

    (finding,) = lint(listed)

    assert f"are both revision {module.name}_0001" in finding.message


def test_a_stale_list_for_alembic_is_found(tree: Path, module: "InstalledModule") -> None:
    assert [finding.message for finding in lint(tree)] == [
        "version_locations in pyproject.toml does not list the modules of this tree"
    ]
    list_locations(tree)
    assert lint(tree) == []
