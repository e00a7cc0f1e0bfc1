"""``sm module new`` and ``sm module remove``."""

import subprocess
import sys
from typing import Annotated

import typer

from host.dev.environment import CLONE

module_app = typer.Typer(help="Begin a module, or take one out of the clone.", no_args_is_help=True)


@module_app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower-case, in the plural as a rule: notes, invoices.")],
    item: Annotated[str | None, typer.Option(help="One of its things, where it is not the name without its s.")] = None,
    install: Annotated[bool, typer.Option(help="Install it and refresh what is generated.")] = True,
) -> None:
    """Write a new module into modules/: table, routes, permissions, page and tests, ready to run."""
    from host.scaffold.names import Names, objections  # noqa: PLC0415 - `sm --help` needs none of it
    from host.scaffold.writing import write  # noqa: PLC0415

    names = Names.of(name, item)
    if reasons := list(objections(names, CLONE)):
        typer.secho("\n".join(reasons), fg="red", err=True)
        raise typer.Exit(1)
    for path in write(names, CLONE):
        typer.echo(f"  {path.relative_to(CLONE)}")
    if install:
        _install()
    typer.echo(
        f"\nmodules/{name} is a module now. With `make dev` running elsewhere:\n"
        f'  sm migrate new {name} -m "first"   writes the revision for its table\n'
        f"  sm migrate                         applies it; then start `make dev` again, and open /{name}\n"
        "  make test\n"
        "docs/tutorial.md goes on from here."
    )


@module_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A module in modules/.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a module's folder. Its tables stay; the last lines say how to drop them."""
    import shutil  # noqa: PLC0415

    from framework.loader import load_modules  # noqa: PLC0415

    folder = CLONE / "modules" / name
    if not folder.is_dir():
        typer.secho(f"there is no modules/{name}", fg="red", err=True)
        raise typer.Exit(1)
    if users := [module.name for module in load_modules(None) if name in module.requires]:
        typer.secho(f"{' and '.join(users)} require {name}; take it out of their manifests first", fg="red", err=True)
        raise typer.Exit(1)
    if not yes:
        typer.confirm(f"Delete modules/{name}?", abort=True)
    shutil.rmtree(folder)
    _install()
    typer.echo(f"\nmodules/{name} is gone. Its data is not; to drop that as well, in `sm psql`:\n  {_drop(name)}")
    if mentioning := _files_mentioning(name):
        typer.echo("These files speak of it; look whether they mean the module:\n  " + "\n  ".join(mentioning))


def _files_mentioning(name: str) -> list[str]:
    command = ["git", "grep", "--files-with-matches", "--word-regexp", name, "--", "*.py", "*.ts", "*.tsx", "*.toml"]
    done = subprocess.run(command, cwd=CLONE, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.splitlines()


def _drop(name: str) -> str:
    forget = f"DELETE FROM seamark.alembic_version WHERE version_num LIKE '{name}\\_%'"  # noqa: S608 - shown, not run
    return f"DROP SCHEMA {name} CASCADE; {forget};"


def _install() -> None:
    """What a module's coming and going changes elsewhere. Each in a process of its own, which sees the new packages."""
    from host.dev import node  # noqa: PLC0415

    python = [sys.executable, "-m"]
    steps = {
        "Python packages": [sys.executable, "host/bootstrap.py", "sync", "--all-packages"],
        "browser packages": [*python, "host.dev.node", "npm", "install"],
        "revisions": [*python, "host.cli", "migrate", "locations"],
        "API description": [*python, "host.cli", "openapi", "-o", "packages/api-client/openapi.json"],
        "API client": [*python, "host.dev.node", "npm", "run", "generate"],
        "reference": [*python, "host.reference"],
    }
    for title, command in steps.items():
        typer.echo(f"{title} …")
        done = subprocess.run(
            command, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            typer.secho(f"{done.stdout}\n{' '.join(command)} failed", fg="red", err=True)
            raise typer.Exit(1)
    # The lock has changed, and what it says is there: no reason to install everything anew.
    node.mark_installed(CLONE)
