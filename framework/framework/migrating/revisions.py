"""What a revision file says of itself, read without running it."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """Whether the release before can still run on the database once the revision is applied.

    ``EXPAND`` only adds; ``CONTRACT`` takes away or tightens what an earlier release may still use.
    """

    EXPAND = "expand"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Revision:
    id: str
    branch: str
    parents: tuple[str, ...]
    """What must be applied before: ``down_revision`` and ``depends_on``."""
    kind: Kind
    title: str = ""
    path: Path | None = None
    runs_since: str = ""
    """Of a contracting one: code that has this revision no longer uses what is taken away."""


def read_revisions(locations: Mapping[str, Path]) -> dict[str, Revision]:
    """Every revision of these branches, by id, branch by branch in the order of their files.

    Raises ``ValueError`` for a file that is not a revision, and for an id that two files claim.
    """
    found: dict[str, Revision] = {}
    for branch, folder in locations.items():
        for path in revision_files(folder):
            revision = read_revision(path, branch)
            if other := found.get(revision.id):
                raise ValueError(f"{path} and {other.path} are both revision {revision.id}: rename one")
            found[revision.id] = revision
    return found


def revision_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")


def read_revision(path: Path, branch: str) -> Revision:
    values = constants(path)
    revision = values.get("revision")
    if not isinstance(revision, str):
        raise ValueError(f"{path} assigns no text to `revision`")
    return Revision(
        id=revision,
        branch=branch,
        parents=(*_names(values.get("down_revision")), *_names(values.get("depends_on"))),
        # Without a label nobody has said that the release before survives it.
        kind=Kind.EXPAND if values.get("kind") == Kind.EXPAND else Kind.CONTRACT,
        title=str(values.get("__doc__", "")).strip().partition("\n")[0],
        path=path,
        runs_since=str(values.get("runs_since") or ""),
    )


def constants(path: Path) -> dict[str, object]:
    """The file's docstring and the literals that it assigns at its top."""
    source = path.read_text()
    # Only what stands above the first function is parsed: a tenth of the time, and this runs at every boot.
    tree = ast.parse(source.partition("\ndef ")[0], filename=str(path))
    values: dict[str, object] = {"__doc__": ast.get_docstring(tree) or ""}
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    values[name] = ast.literal_eval(value)
                except ValueError:
                    continue
    return values


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]  # Alembic's own types


def heads(revisions: Collection[Revision]) -> list[str]:
    """Those that no other one builds upon, in order."""
    built_upon = {parent for revision in revisions for parent in revision.parents}
    return [revision.id for revision in revisions if revision.id not in built_upon]


def closure(ids: Collection[str], revisions: Mapping[str, Revision]) -> Iterator[str]:
    """``ids`` and all that they build upon, as far as ``revisions`` knows them."""
    seen: set[str] = set()
    waiting = list(ids)
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        if current in revisions:
            waiting.extend(revisions[current].parents)
