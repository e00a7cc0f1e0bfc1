"""Writes a revision for one module out of the difference between its tables and the database."""

import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.operations import MigrationScript, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from framework.migrating.configuration import alembic_config
from framework.migrating.connection import MigrationError, migration_connection
from framework.migrating.locations import FOLDER, FRAMEWORK, listed_for_alembic, packages
from framework.migrating.models import flat
from framework.migrating.revisions import Kind, heads, read_revisions, revision_files
from framework.migrating.runner import plan

TAKES_AWAY = (ops.DropTableOp, ops.DropColumnOp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the author asks for. ``kind`` unset: found out from the difference."""

    root: Path
    module: str
    message: str
    kind: Kind | None = None

    @property
    def folder(self) -> Path:
        found = packages()
        if self.module not in found:
            raise MigrationError(f"{self.module!r} is not installed; there are {', '.join(found)}")
        return found[self.module] / FOLDER


async def new_revision(url: str, draft: Draft) -> Path:
    """The file of the new revision. Raises ``MigrationError`` when the database is not at head or nothing differs."""
    draft.folder.mkdir(exist_ok=True)
    found = (await plan(url, draft.root)).comparison
    if found.missing:
        listed = ", ".join(id_ for ids in found.missing.values() for id_ in ids)
        raise MigrationError(f"The database lacks {listed}: `sm migrate` first, then compare")
    if not found.is_at_head:
        raise MigrationError(
            "The database holds revisions that are not in this tree, of another branch in version control perhaps. "
            "Compare with a database that `sm migrate` made from this tree alone: `sm dev reset` starts a new one."
        )
    async with migration_connection(url) as connection:
        path = await connection.run_sync(_write, draft)
    list_locations(draft.root)
    return path


def empty_revision(draft: Draft) -> Path:
    """A revision to be written by hand; needs no database."""
    if not read_revisions({draft.module: draft.folder}):
        raise MigrationError(f"The first revision of {draft.module} creates its schema: write it from the tables")
    return _write(None, draft)


def list_locations(root: Path) -> bool:
    """Bring ``[tool.alembic] version_locations`` up to date, and say whether that changed it."""
    pyproject = root / "pyproject.toml"
    before = pyproject.read_text()
    after = listed_for_alembic(before, root)
    if after != before:
        pyproject.write_text(after)
    return after != before


def _write(connection: Connection | None, draft: Draft) -> Path:
    existing = read_revisions({draft.module: draft.folder})
    if len(own := heads(existing.values())) > 1:
        raise MigrationError(f"{draft.module} has two heads, {' and '.join(own)}: let one of them follow the other")
    number = 1 + max((int(tail) for id_ in existing if (tail := id_.rpartition("_")[2]).isdigit()), default=0)
    config = alembic_config(draft.root)
    config.set_main_option("file_template", f"{number:04}_%%(slug)s")
    config.cmd_opts = Namespace(quiet=True)
    config.attributes.update(connection=connection, compare=(draft.module,), kind=draft.kind or Kind.EXPAND)

    def finish(_: MigrationContext, __: object, scripts: list[MigrationScript]) -> None:
        config.attributes["kind"] = _complete(scripts[0], draft, is_first=not existing)

    before = set(revision_files(draft.folder))
    try:
        command.revision(
            config,
            draft.message,
            autogenerate=connection is not None,
            head=own[0] if own else "base",
            branch_label=None if own else draft.module,
            version_path=draft.folder,
            rev_id=f"{draft.module}_{number:04}",
            process_revision_directives=finish,
        )
    except SyntaxError as error:
        for path in set(revision_files(draft.folder)) - before:
            path.unlink()
        said = (error.text or "").strip()
        raise MigrationError(
            f"{draft.module}'s tables hold something that cannot be written as Python: {said}"
        ) from error
    (path,) = set(revision_files(draft.folder)) - before
    _tidy(path)
    return path


def _complete(script: MigrationScript, draft: Draft, *, is_first: bool) -> Kind:
    """Add the schema to a module's first revision, and find out what kind of revision this is."""
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    if script.upgrade_ops.is_empty():
        raise MigrationError(
            f"The tables of {draft.module} and the database are the same. `--empty` writes a revision to be filled by hand."
        )
    takes_away = any(isinstance(operation, TAKES_AWAY) for operation in flat(script.upgrade_ops.ops))
    if is_first and draft.module != FRAMEWORK:
        script.upgrade_ops.ops.insert(0, ops.ExecuteSQLOp(f"CREATE SCHEMA IF NOT EXISTS {draft.module}"))
        script.downgrade_ops.ops.append(ops.ExecuteSQLOp(f"DROP SCHEMA {draft.module}"))
    return draft.kind or (Kind.CONTRACT if takes_away else Kind.EXPAND)


def _tidy(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")))
    for arguments in (("check", "--select", "F401,I", "--fix"), ("format",)):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, "--quiet", path], check=True)
