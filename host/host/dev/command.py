"""``sm dev``, ``sm dev reset`` and ``sm psql``. Imports little: every ``sm --help`` loads this file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from host.dev.environment import Debugged, DevError, Workplace

dev_app = typer.Typer(invoke_without_command=True)


@dev_app.callback()
def dev(
    context: typer.Context,
    debug: Annotated[Debugged | None, typer.Option(help="Let a debugger attach to this process.")] = None,
) -> None:
    """Run everything on this machine: Postgres, Valkey, web, worker, scheduler and browser code, at one address.

    SM_PORT chooses the port (8000), SM_DEMO=1 writes example data, SM_DATABASE_URL and SM_REDIS_URL name servers to
    use instead of the embedded ones. `.env` is read.
    """
    if context.invoked_subcommand is not None:
        return
    from host.dev import stack  # noqa: PLC0415 - see above
    from host.dev.console import Console  # noqa: PLC0415

    with _plain_errors():
        stack.run(Workplace(), Console(), debug)


@dev_app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete the embedded database and start over with an empty one."""
    from host.dev.reset import reset as erase  # noqa: PLC0415

    def agreed(folders: list[Path]) -> bool:
        if not folders:
            typer.echo("There is nothing to delete.")
            raise typer.Exit
        typer.echo("This deletes the development database, with everything in it:")
        for folder in folders:
            typer.echo(f"  {folder}")
        return yes or typer.confirm("Delete it?")

    with _plain_errors():
        if not erase(Workplace(), agreed):
            raise typer.Exit(1)
    typer.echo("Deleted. The next `sm dev` makes a new one.")


def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="For psql itself, such as -c 'select 1'.")] = None,
) -> None:
    """Open psql on the database: the one of the running `sm dev`, or the one in SM_DATABASE_URL."""
    from host.dev.psql import replace_by_psql  # noqa: PLC0415

    with _plain_errors():
        replace_by_psql(Workplace(), arguments or [])


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except DevError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
