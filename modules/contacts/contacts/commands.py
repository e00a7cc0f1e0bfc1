from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from framework.application import Application
from framework.cli import run
from framework.problems import Problem

from contacts import imports


def import_contacts(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file, as in the browser.")
    ],
) -> None:
    """Hand a CSV file of contacts to the workers."""
    try:
        import_id = run(lambda application: _start(application, file))
    except Problem as problem:
        typer.echo(problem.detail, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"The workers will import it; see /contacts/imports/{import_id}.")


async def _start(application: Application, file: Path) -> UUID:
    with file.open("rb") as content:
        async with application.database.unit_of_work() as session:
            return await imports.start(session, content, file.name)
