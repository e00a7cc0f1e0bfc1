"""What ``sm modules``, ``sm routes``, ``sm openapi``, ``sm demo`` and ``sm shell`` show."""

import sys
from pathlib import Path

import orjson
import typer
from framework.application import Application, connect
from framework.installation import read_installation
from framework.loader import installed, load_modules
from framework.module import Module
from framework.policies import policy_of
from framework.routing import Endpoint, endpoint_name, methods_of
from framework.settings import enabled_modules
from rich.markup import escape
from rich.table import Table

from host import routes


def modules_table() -> Table:
    enabled = {module.name: module for module in load_modules(enabled_modules())}
    table = Table("module", "enabled", "requires", "routes", "pages", "tasks", "permissions", "checks", box=None)
    for name in installed():
        module = enabled.get(name)
        if module is None:
            table.add_row(name, "[dim]no[/]")
            continue
        table.add_row(
            name,
            "[green]yes[/]",
            ", ".join(module.requires),
            str(len(module.router.routes) if module.router else 0),
            str(len(module.pages)),
            str(len(module.tasks)),
            str(len(module.permissions)),
            str(len(module.checks) + len(module.health)),
        )
    return table


def routes_table(only: str | None) -> Table:
    table = Table("method", "path", "who may call it", "function", box=None)
    for route in routes.api_routes(load_modules(enabled_modules())):
        if not isinstance(route, Endpoint) or (only and only not in getattr(route, "tags", ())):
            continue
        declared = policy_of(route.endpoint)
        methods = ",".join(sorted(methods_of(route)))
        table.add_row(methods, escape(route.path), str(declared.access) if declared else "", endpoint_name(route))
    return table


def write_openapi(output: str, *, check: bool) -> int:
    described = routes.describe_api(load_modules(enabled_modules()))
    document = orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if output == "-":
        sys.stdout.buffer.write(document)
        return 0
    path = Path(output)
    if not check:
        path.write_bytes(document)
        return 0
    if path.is_file() and path.read_bytes() == document:
        return 0
    typer.echo(f"{path} is stale: run `make client` and commit what it changes", err=True)
    return 1


async def write_demo(application: Application) -> list[str]:
    written: list[Module] = []
    for module in application.modules:
        if module.demo is not None:
            async with application.database.unit_of_work() as session:
                await module.demo(session)
            written.append(module)
    return [module.label for module in written]


def interactive() -> None:
    try:
        from IPython import start_ipython  # noqa: PLC0415 - a development dependency
    except ImportError:
        raise SystemExit("`sm shell` needs IPython: `uv sync` installs it, production images leave it out") from None
    application = connect(*read_installation("shell", log_to=sys.stderr), "shell")
    typer.echo("application, database; `async with database.unit_of_work() as session: …` commits at its end")
    start_ipython(argv=["--no-banner"], user_ns={"application": application, "database": application.database})
