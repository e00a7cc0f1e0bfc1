"""``sm migrate``: bring the database to this code, ask whether it is there, write a revision."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from framework.migrating.revisions import Revision
    from framework.migrating.runner import Plan

migrate_app = typer.Typer(invoke_without_command=True)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, style="red")
# Alembic and SQLAlchemy are imported inside the commands: `sm --help` and `sm dev` need neither.


@migrate_app.callback()
def migrate(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit with 1 when behind.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Change nothing; show what would be applied.")] = False,
) -> None:
    """Bring the database to the head of every installed module, and have events reach the enabled ones.

    Any number may run at once: one works, the others wait. Safe to repeat and to stop; it goes on where it was.
    """
    if context.invoked_subcommand is not None:
        return
    from framework.migrating import runner  # noqa: PLC0415
    from framework.migrating.locations import application_root  # noqa: PLC0415

    with _explained():
        report = ConsoleReport()
        if not check and not plan:
            _mention_newer(asyncio.run(runner.migrate(_url(), application_root(), report)))
            return
        planned = asyncio.run(runner.plan(_url(), application_root()))
        report.plan(planned.revisions)
        _mention_newer(planned)
        for finding in planned.refusals:
            errors.print(finding)
        if check and (planned.revisions or planned.refusals):
            raise typer.Exit(1)


@migrate_app.command()
def new(
    module: Annotated[str, typer.Argument(help="The module whose tables changed; `seamark` is the framework.")],
    message: Annotated[str, typer.Option("--message", "-m", help="What changes, in a few words.")],
    empty: Annotated[bool, typer.Option("--empty", help="To be written by hand; compares nothing.")] = False,
    kind: Annotated[
        Literal["expand", "contract"] | None,
        typer.Option(help="Contract takes away what an earlier release used. Unset: found out from the difference."),
    ] = None,
) -> None:
    """Write a revision of one module from the difference between its tables and the database, which must be at head."""
    from framework.migrating import authoring  # noqa: PLC0415
    from framework.migrating.locations import application_root  # noqa: PLC0415
    from framework.migrating.revisions import Kind, read_revision  # noqa: PLC0415

    with _explained():
        draft = authoring.Draft(
            root=application_root(), module=module, message=message, kind=Kind(kind) if kind else None
        )
        path = authoring.empty_revision(draft) if empty else asyncio.run(authoring.new_revision(_url(), draft))
        written = read_revision(path, module)
        console.print(
            f"[green]✓[/] {written.id} ({written.kind}): {os.path.relpath(path)}. Read it before you apply it."
        )


@migrate_app.command()
def models() -> None:
    """Judge the revisions of this tree: their files, and whether they make the tables that the modules declare.

    For developers: takes the test suite's Postgres, so nothing has to run, and imports every installed module.
    """
    from framework.embedded import EmbeddedServerError  # noqa: PLC0415
    from framework.migrating.lint import lint  # noqa: PLC0415
    from framework.migrating.locations import application_root  # noqa: PLC0415
    from framework.migrating.models import model_findings  # noqa: PLC0415

    from host.testing.servers import SuiteServers  # noqa: PLC0415

    with _explained(EmbeddedServerError):
        root = application_root()
        found = lint(root)
        with SuiteServers(root) as addresses:
            found += asyncio.run(model_findings(addresses.postgres.format(database=addresses.template), root))
    for finding in found:
        errors.print(finding)
    if found:
        raise typer.Exit(1)
    console.print("[green]✓[/] The revisions make the tables that the modules declare.")


@migrate_app.command()
def locations() -> None:
    """List the revisions of this tree's modules in pyproject.toml, for Alembic's own commands."""
    from framework.migrating.authoring import list_locations  # noqa: PLC0415
    from framework.migrating.locations import application_root  # noqa: PLC0415

    with _explained():
        console.print(
            "[green]✓[/] Written." if list_locations(application_root()) else "[green]✓[/] Nothing to change."
        )


class ConsoleReport:
    """Says how the runner gets on: a line per revision, and a sign of life while one runs on a terminal."""

    def __init__(self) -> None:
        self._status = console.status("")

    def waiting(self, holder: str) -> None:
        console.print(f"Waiting for {holder}")

    def plan(self, revisions: "list[Revision]") -> None:
        if not revisions:
            console.print("[green]✓[/] The database has every revision of this code.")
            return
        count = f"{len(revisions)} revision{'s' if len(revisions) > 1 else ''}"
        console.print(f"The database lacks {count}:")
        for revision in revisions:
            console.print(f"  {revision.id}  {escape(revision.title)} ({revision.kind})")

    def started(self, revision: "Revision") -> None:
        if console.is_terminal:
            self._status.update(f"{revision.id} …")
            self._status.start()
        else:
            console.print(f"{revision.id} …")

    def finished(self, revision: "Revision", seconds: float) -> None:
        self._status.stop()
        console.print(f"[green]✓[/] {revision.id}  {seconds:.2f} s")

    def busy(self, revision: "Revision", attempt: int, pause: float) -> None:
        self._status.stop()
        console.print(
            f"[yellow]![/] {revision.id} waited too long for a lock that another session holds (attempt {attempt}); "
            f"trying again in {pause:.0f} s"
        )

    def remark(self, words: str) -> None:
        console.print(words, markup=False)


def _mention_newer(plan: "Plan") -> None:
    for branch, ids in plan.comparison.ahead.items():
        console.print(f"{branch} is ahead of this code by {', '.join(ids)}, which this code can run with.")


def _url() -> str:
    from framework.migrating.connection import MigrationSettings  # noqa: PLC0415
    from framework.settings import load  # noqa: PLC0415

    return load(MigrationSettings).url


@contextmanager
def _explained(*more: type[Exception]) -> Iterator[None]:
    """Expected failures, these and ``more``, end the command with their message and status 1."""
    from alembic.util import CommandError  # noqa: PLC0415
    from framework.migrating.connection import MigrationError  # noqa: PLC0415

    expected: tuple[type[Exception], ...] = (CommandError, MigrationError, FileNotFoundError, ValueError, *more)
    try:
        yield
    except expected as error:
        errors.print(error)
        raise typer.Exit(1) from None
