"""Whether the database fits the code (SM010): behind, at head, ahead within the compatibility window, or unknown."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framework.codes import SM010
from framework.findings import Finding
from framework.migrating.locations import FRAMEWORK, locations
from framework.migrating.revisions import Kind, Revision, closure, read_revisions

if TYPE_CHECKING:
    from asyncpg import Connection, Record

    from framework.application import Application

COMMAND = "sm migrate"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a database says of its revisions. ``window`` is what every migrator wrote down as it applied them."""

    heads: frozenset[str] = frozenset()
    window: Mapping[str, Revision] = field(default_factory=dict)


async def read_applied(connection: "Connection[Record]") -> Applied:
    """One round trip to find out whether anybody migrated this database, one more for what they did."""
    if not await connection.fetchval(
        "SELECT to_regclass('seamark.alembic_version') IS NOT NULL AND to_regclass('seamark.migration_window') IS NOT NULL"
    ):
        return Applied()
    rows = await connection.fetch(
        "SELECT version_num, NULL AS branch, NULL AS parents, NULL AS kind, NULL AS runs_since FROM seamark.alembic_version "
        # As JSON: a database that an earlier release prepared has no such column.
        "UNION ALL SELECT revision, branch, parents, kind, to_jsonb(migration_window) ->> 'runs_since' "
        "FROM seamark.migration_window"
    )
    return Applied(
        frozenset(row["version_num"] for row in rows if row["branch"] is None),
        {
            row["version_num"]: Revision(
                row["version_num"],
                row["branch"],
                tuple(row["parents"]),
                Kind(row["kind"]),
                runs_since=row["runs_since"] or "",
            )
            for row in rows
            if row["branch"] is not None
        },
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The code's revisions against a database's, both by branch."""

    missing: Mapping[str, tuple[str, ...]]
    """Behind: what this code needs and the database has not."""
    ahead: Mapping[str, tuple[str, ...]]
    """Applied by a later release, which says that this one can still run."""
    contracted: Mapping[str, tuple[str, ...]]
    """Applied by a later release, and no longer fit for this one."""
    unknown: Mapping[str, tuple[str, ...]]
    """Recorded by no migrator and in no file."""

    @property
    def is_at_head(self) -> bool:
        return not (self.missing or self.ahead or self.contracted or self.unknown)


def compare(code: Mapping[str, Revision], applied: Applied, branches: Collection[str] | None = None) -> Comparison:
    """``branches`` narrows the judgement (``None``: all); ``code`` knows at least their revisions."""
    known = {**applied.window, **code}
    present = set(closure(applied.heads, known))

    def grouped(ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for id_ in ids:
            branch = branch_of(id_, known)
            # An id that names no branch could be anybody's, so it counts.
            if branches is None or branch in branches or not branch:
                found[branch] = (*found.get(branch, ()), id_)
        return found

    def contracts(revision: Revision) -> bool:
        return revision.kind is Kind.CONTRACT and revision.runs_since not in code

    foreign = sorted(present - code.keys())
    return Comparison(
        missing=grouped(id_ for id_ in code if id_ not in present),
        ahead=grouped(id_ for id_ in foreign if id_ in known and not contracts(known[id_])),
        contracted=grouped(id_ for id_ in foreign if id_ in known and contracts(known[id_])),
        unknown=grouped(id_ for id_ in foreign if id_ not in known),
    )


def branch_of(id_: str, known: Mapping[str, Revision]) -> str:
    """By record or file, else by the convention that ids are ``<branch>_<number>``."""
    return known[id_].branch if id_ in known else id_.rpartition("_")[0]


def findings(comparison: Comparison) -> list[Finding]:
    """One ``SM010`` per branch and state that keeps this code from running. Being ahead within the window is none."""
    found = [
        SM010.finding(
            f"the database is behind: {_listed(ids)} not applied",
            hint=f"`{COMMAND}` applies {'it' if len(ids) == 1 else 'them'}",
            owner=branch,
        )
        for branch, ids in comparison.missing.items()
    ]
    found += [
        SM010.finding(
            f"the database is ahead of this code: {_listed(ids)} took away what it needs",
            hint="deploy the release that brought this revision, or a later one",
            owner=branch,
        )
        for branch, ids in comparison.contracted.items()
    ]
    found += [
        SM010.finding(
            f"the database holds {_listed(ids)}, which neither this code nor the record of its migrators knows",
            hint="was SM_DATABASE_URL meant? If so: deploy the release that has this revision",
            owner=branch or FRAMEWORK,
        )
        for branch, ids in comparison.unknown.items()
    ]
    return found


def _listed(ids: Collection[str]) -> str:
    return f"revision{'s' if len(ids) > 1 else ''} {', '.join(ids)}"


async def schema_findings(application: "Application") -> list[Finding]:
    """SM010 for the enabled modules, those they require and the framework; the database's own errors pass through."""
    enabled = {FRAMEWORK, *(module.name for module in application.modules)}
    code = read_revisions({name: folder for name, folder in locations().items() if name in enabled})
    async with application.database.driver_connection() as connection:
        applied = await read_applied(connection)
    return findings(compare(code, applied, enabled))
