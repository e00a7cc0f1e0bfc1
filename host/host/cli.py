"""``sm``: the command line of the host, and the commands that the enabled modules contribute."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from framework.codes import SM006
from framework.findings import BootError, Level
from framework.logging import configure
from rich.console import Console
from typer.core import TyperGroup

from host.assets import assets_app
from host.backup.command import backup_app, dr_drill, restore
from host.dev.command import dev_app, psql
from host.dev.environment import CLONE
from host.migrate import migrate_app
from host.scaffold.command import module_app
from host.story import story
from host.web import web

# As a newcomer meets them; what modules contribute follows.
ORDER = "dev web psql migrate assets doctor modules routes module openapi demo shell backup restore dr-drill".split()


class InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="sm",
    cls=InOrder,
    add_completion=False,
    help="Seamark: run, migrate, check and inspect this installation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dev_app, name="dev")
app.add_typer(migrate_app, name="migrate")
app.add_typer(assets_app, name="assets")
app.add_typer(module_app, name="module")
app.command(context_settings={"ignore_unknown_options": True})(psql)
app.command()(web)
app.add_typer(backup_app, name="backup")
app.command()(restore)
app.command(name="dr-drill")(dr_drill)
app.command()(story)
# Tables for people fit their window; in a pipe, nothing is cut off.
console = Console() if sys.stdout.isatty() else Console(width=400)

if TYPE_CHECKING:
    from framework.module import CommandGroup, Module


@app.command()
def doctor(
    output: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print the findings.")] = "text",
    fail_level: Annotated[
        Literal["warning", "error", "never"], typer.Option(help="Exit with 1 from this level on.")
    ] = "error",
    static: Annotated[bool, typer.Option("--static", help="Skip what needs Postgres or Redis.")] = False,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Judge Dockerfile, docker-compose.yml and deploy/ instead.")
    ] = False,
    root: Annotated[
        Path | None, typer.Option(help="With --deploy: the folder that has these files. Unset: that of this `sm`.")
    ] = None,
) -> None:
    """Judge this installation: settings, modules, services, database schema, and what each module checks.

    Findings carry stable codes (docs/reference/checks.md). SM_SILENCED_CHECKS="CODE=reason" accepts one.
    """
    from host import doctor as judge  # noqa: PLC0415 - `sm dev` and `--help` need none of it

    looked_at = None
    if deploy:
        try:
            report, looked_at = judge.examine_deployment(CLONE if root is None else root.resolve())
        except judge.NothingToExamine as error:
            typer.echo(error, err=True)
            raise typer.Exit(2) from None
    else:
        report = judge.examine(static_only=static)
    judge.show(report, output, looked_at)
    worst = report.worst()
    if fail_level != "never" and worst is not None and worst >= Level[fail_level.upper()]:
        raise typer.Exit(1)


@app.command()
def modules() -> None:
    """List installed modules: enabled or not, what each requires and contributes."""
    from host import inspection  # noqa: PLC0415

    console.print(inspection.modules_table())


@app.command()
def routes(
    module: Annotated[str | None, typer.Argument(help="Only this module's.")] = None,
) -> None:
    """List every route with its method and who may call it."""
    from host import inspection  # noqa: PLC0415

    console.print(inspection.routes_table(module))


@app.command()
def openapi(
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or - for standard output.")] = "-",
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when the file differs.")] = False,
) -> None:
    """Write the API description from which the browser's client is generated."""
    from host import inspection  # noqa: PLC0415

    if check and output == "-":
        raise typer.BadParameter("--check needs the file to compare with: --output")
    raise typer.Exit(inspection.write_openapi(output, check=check))


@app.command()
def demo() -> None:
    """Write example data of the enabled modules; running it again adds nothing."""
    from framework.cli import run  # noqa: PLC0415

    from host import inspection  # noqa: PLC0415

    for label in run(inspection.write_demo):
        console.print(f"[green]✓[/] example data for {label}")


@app.command()
def shell() -> None:
    """Open a Python shell with the application; `await` works, `application` and `database` are there."""
    from host import inspection  # noqa: PLC0415

    inspection.interactive()


def _add_module_commands() -> None:
    """Modules are imported only when the word on the command line is not one of the host's own."""
    if len(sys.argv) > 1 and sys.argv[1] in _own_words():
        return
    from framework.loader import load_modules  # noqa: PLC0415
    from framework.settings import enabled_modules  # noqa: PLC0415

    asks_for_help = len(sys.argv) < 2 or sys.argv[1].startswith("-")
    try:
        loaded = load_modules(enabled_modules())
    except BootError as error:
        if not asks_for_help:
            raise
        typer.echo(error, err=True)
        return
    add_commands_of(loaded)


def _own_words() -> set[str]:
    own = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    return own | {group.name or "" for group in app.registered_groups}


def add_commands_of(modules: "Iterable[Module]") -> None:
    """Raises ``BootError`` when a module's command has the name of one of the host's."""
    from framework.module import CommandGroup, command_name  # noqa: PLC0415 - as above

    own = _own_words()
    for module in modules:
        for command in module.commands:
            if (word := command_name(command)) in own:
                taken = f"command {word!r} belongs to the host and to {module.name}"
                raise BootError([SM006.finding(taken, hint="rename the module's", owner=module.name)])
            panel = f"Commands of {module.label}"
            if isinstance(command, CommandGroup):
                app.add_typer(_typer_of(command), name=word, rich_help_panel=panel)
            else:
                _add(app, command, rich_help_panel=panel)


def _typer_of(group: "CommandGroup") -> typer.Typer:
    inner = typer.Typer(help=group.help, no_args_is_help=True, rich_markup_mode="rich")
    for command in group.commands:
        _add(inner, command)
    return inner


def _add(to: typer.Typer, command: "Callable[..., None]", **options: Any) -> None:
    from framework.module import command_name  # noqa: PLC0415

    decorate: Any = to.command(command_name(command), **options)
    decorate(command)


def main() -> None:
    # Standard output is for answers; each command that runs the application logs by its settings.
    configure("console", "warning", "sm", stream=sys.stderr)
    try:
        _add_module_commands()
        app()
    except BootError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
