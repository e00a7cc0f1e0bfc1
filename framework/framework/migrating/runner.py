"""Brings a database to the head of every branch: one migrator at a time, revision by revision, resumable."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Protocol

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from framework.findings import Finding
from framework.migrating.configuration import alembic_config
from framework.migrating.connection import (
    LOCK_TIMEOUT,
    MigrationError,
    driver_of,
    migration_connection,
    only_migrator,
    reason,
)
from framework.migrating.environment import upgrade_steps
from framework.migrating.locations import locations
from framework.migrating.registering import register
from framework.migrating.revisions import Revision, closure, read_revisions
from framework.migrating.state import Applied, Comparison, compare, findings, read_applied

# lock_not_available and deadlock_detected (Postgres, appendix A): others hold what a revision needs, for now.
BUSY = frozenset({"55P03", "40P01"})
ATTEMPTS = 10


class Report(Protocol):
    """Is told what happens, for a person to read."""

    def waiting(self, holder: str) -> None: ...
    def plan(self, revisions: list[Revision]) -> None: ...
    def started(self, revision: Revision) -> None: ...
    def finished(self, revision: Revision, seconds: float) -> None: ...
    def busy(self, revision: Revision, attempt: int, pause: float) -> None: ...
    def remark(self, words: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    revisions: list[Revision]
    comparison: Comparison
    applied: Applied

    @property
    def refusals(self) -> list[Finding]:
        """Why this code must not touch the database: a later release took away what it knows."""
        return findings(replace(self.comparison, missing={}))


async def plan(url: str, root: Path) -> Plan:
    """What ``migrate`` would do, without a lock and without a change."""
    async with migration_connection(url) as connection:
        return await _plan(connection, root)


async def migrate(url: str, root: Path, report: Report) -> Plan:
    """Apply what is missing, then write down who is told of which event; say what was done.

    Raises ``MigrationError``; what was applied until then stays.
    """
    async with migration_connection(url) as connection, only_migrator(connection, report.waiting):
        planned = await _plan(connection, root)
        if planned.refusals:
            raise MigrationError("\n".join(map(str, planned.refusals)))
        report.plan(planned.revisions)
        if planned.revisions:
            await _apply(connection, root, planned, report)
        for words in await register(connection):
            report.remark(words)
        return planned


async def _plan(connection: AsyncConnection, root: Path) -> Plan:
    code = read_revisions(locations())
    applied = await read_applied(await driver_of(connection))
    script = ScriptDirectory.from_config(alembic_config(root))
    steps = upgrade_steps(script, _known_heads(applied, code))
    return Plan([code[str(step.info.up_revision_id)] for step in steps], compare(code, applied), applied)


def _known_heads(applied: Applied, code: dict[str, Revision]) -> tuple[str, ...]:
    """The database's heads as this code knows them: below what a later release has applied on top."""
    known = [id_ for id_ in closure(applied.heads, {**applied.window, **code}) if id_ in code]
    return tuple(id_ for id_ in known if not any(id_ in code[other].parents for other in known))


async def _apply(connection: AsyncConnection, root: Path, planned: Plan, report: Report) -> None:
    progress = _Progress(planned, report)
    config = alembic_config(root)
    attempt = 0
    while True:
        done = len(progress.done)
        try:
            await connection.run_sync(_run, config, progress)
        except DBAPIError as error:
            attempt = 1 if len(progress.done) > done else attempt + 1
            revision = progress.current
            if getattr(error.orig, "sqlstate", None) not in BUSY or attempt == ATTEMPTS:
                raise MigrationError(_failed(revision, error, attempt)) from error
            # Long enough for those who queued behind the lock to be served, and not in step with another migrator.
            pause = min(30.0, 2.0**attempt) * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
            report.busy(revision, attempt, pause)
            await connection.rollback()
            await asyncio.sleep(pause)
        else:
            return


def _failed(revision: Revision, error: DBAPIError, attempt: int) -> str:
    said = reason(error)
    if attempt == ATTEMPTS:
        said = f"{said}, {ATTEMPTS} times, each after {LOCK_TIMEOUT:g} s; the view pg_stat_activity shows who holds it"
    return (
        f"{revision.id} failed: {said}\n  in {revision.path}\n"
        "Revisions before it are applied and stay; `sm migrate` goes on from there."
    )


class _Progress:
    """Follows Alembic through its steps, over several runs if need be."""

    def __init__(self, planned: Plan, report: Report) -> None:
        self._revisions = {revision.id: revision for revision in planned.revisions}
        self._window = planned.applied.window
        self._report = report
        self.done: list[Revision] = []
        self.current = planned.revisions[0]

    def steps(self, script: ScriptDirectory, heads: tuple[str, ...]) -> Iterator[RevisionStep]:
        applied = Applied(frozenset(heads), self._window)
        for step in upgrade_steps(script, _known_heads(applied, read_revisions(locations()))):
            self.current = self._revisions[str(step.info.up_revision_id)]
            self._report.started(self.current)
            began = perf_counter()
            yield step
            # Alembic asks for the next one after it has committed this one.
            self.done.append(self.current)
            self._report.finished(self.current, perf_counter() - began)


def _run(connection: Connection, config: Config, progress: _Progress) -> None:
    script = ScriptDirectory.from_config(config)

    def steps(heads: tuple[str, ...], _: MigrationContext) -> Iterator[RevisionStep]:
        return progress.steps(script, heads)

    config.attributes.update(connection=connection, steps=steps)
    with EnvironmentContext(config, script, fn=steps):
        script.run_env()
