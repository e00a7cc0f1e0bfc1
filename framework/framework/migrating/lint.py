"""Whether revisions are what they say they are (SM024). Reads files; runs nothing and asks no database."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from framework.codes import SM024
from framework.findings import Finding
from framework.migrating.locations import listed_for_alembic, locations
from framework.migrating.revisions import Kind, Revision, closure, constants, heads, read_revisions

_TAKES_AWAY = {"drop_table", "drop_column", "rename_table"}
_SQL_TAKES_AWAY = re.compile(
    r"\bDROP\s+(TABLE|COLUMN|SCHEMA|TYPE|VIEW)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b|\bTRUNCATE\b", re.IGNORECASE
)
_ALTERATIONS = {"new_column_name": "renames a column", "type_": "changes a type"}


def lint(root: Path) -> list[Finding]:
    """Every problem of every revision of every installed module, and of what Alembic's configuration lists."""
    try:
        revisions = read_revisions(locations())
    except ValueError as error:
        return [SM024.finding(str(error))]
    found = [
        finding
        for revision in revisions.values()
        for finding in (*_labels(revision, revisions), *_operations(revision))
    ]
    for branch in locations():
        ends = heads([revision for revision in revisions.values() if revision.branch == branch])
        if len(ends) > 1:
            found.append(
                SM024.finding(
                    f"{' and '.join(ends)} are both the last revision",
                    hint="two people added one each: number one of them anew and let it follow the other",
                    owner=branch,
                )
            )
    pyproject = root / "pyproject.toml"
    if pyproject.read_text() != listed_for_alembic(pyproject.read_text(), root):
        found.append(
            SM024.finding(
                "version_locations in pyproject.toml does not list the modules of this tree",
                hint="sm migrate locations",
            )
        )
    return found


def _labels(revision: Revision, revisions: dict[str, Revision]) -> Iterator[Finding]:
    assert revision.path is not None
    values = constants(revision.path)

    def wrong(message: str, hint: str = "") -> Finding:
        return SM024.finding(f"{revision.path}: {message}", hint=hint, owner=revision.branch)

    number = revision.id.removeprefix(f"{revision.branch}_")
    if not re.fullmatch(r"\d{4,}", number):
        yield wrong(f"its id is {revision.id!r}", f"ids are {revision.branch}_0001, {revision.branch}_0002, …")
    elif not revision.path.name.startswith(f"{number}_"):
        yield wrong(f"its name does not begin with {number}_", "files sort in the order of their ids")
    if values.get("kind") not in set(Kind):
        yield wrong("it does not say its kind", 'kind = "expand" or kind = "contract"')
    if revision.runs_since:
        if revision.kind is Kind.EXPAND:
            yield wrong("runs_since is for what contracts", "leave it out: every release runs with what only adds")
        elif revision.runs_since not in earlier(revision, revisions):
            yield wrong(f"runs_since names {revision.runs_since!r}", "a revision of the same module before this one")
    labels = values.get("branch_labels")
    if not values.get("down_revision") and (not isinstance(labels, tuple) or labels != (revision.branch,)):
        yield wrong("the first revision labels its branch", f'branch_labels = ("{revision.branch}",)')
    for parent in revision.parents:
        if parent not in revisions:
            yield wrong(f"it builds on {parent!r}, which is no revision", "name a revision, not a branch")


def earlier(revision: Revision, revisions: dict[str, Revision]) -> set[str]:
    """Of the same branch, below ``revision``."""
    below = closure(revision.parents, revisions)
    return {id_ for id_ in below if id_ in revisions and revisions[id_].branch == revision.branch}


def _operations(revision: Revision) -> Iterator[Finding]:
    """What an expand revision must not do: the release before it still runs while it is applied."""
    assert revision.path is not None
    if revision.kind is Kind.CONTRACT:
        return
    tree = ast.parse(revision.path.read_text(), filename=str(revision.path))
    upgrade = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"), None)
    for call in ast.walk(upgrade) if upgrade else ():
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            for problem in _of_call(call.func.attr, call):
                yield SM024.finding(
                    f"{revision.path}:{call.lineno}: an expand revision {problem}",
                    hint='kind = "contract", one release after the code stopped using it',
                    owner=revision.branch,
                )


def _of_call(operation: str, call: ast.Call) -> Iterator[str]:
    if operation in _TAKES_AWAY:
        yield f"calls {operation}"
    if operation == "alter_column":
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        yield from (problem for name, problem in _ALTERATIONS.items() if name in given)
        nullable = given.get("nullable")
        if isinstance(nullable, ast.Constant) and nullable.value is False:
            yield "makes a column mandatory"
    if operation == "execute":
        texts = (node.value for node in ast.walk(call) if isinstance(node, ast.Constant))
        for text in texts:
            if isinstance(text, str) and (match := _SQL_TAKES_AWAY.search(text)):
                yield f"executes {' '.join(match[0].upper().split())}"
