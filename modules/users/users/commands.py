import secrets
import sys
from typing import Annotated

import typer
from framework.application import Application
from framework.cli import run
from framework.problems import Problem

from users import accounts
from users.bootstrap import DEFAULT_NAME, create_first_administrator
from users.email_address import normalise
from users.password_rules import objection
from users.passwords import passwords


def create_admin(
    email: Annotated[str | None, typer.Option(help="Address to sign in with; asked for when it is not given.")] = None,
    name: Annotated[str | None, typer.Option(help="What other people see.")] = None,
    if_none: Annotated[bool, typer.Option("--if-none", help="Do nothing when there is any account already.")] = False,
    print_password: Annotated[
        bool, typer.Option("--print-password", help="Make a random password and print `address password`.")
    ] = False,
) -> None:
    """Create an administrator."""
    interactive = sys.stdin.isatty()
    if not interactive and (email is None or not print_password):
        raise typer.BadParameter("Without a terminal, --email and --print-password are needed.")
    address = normalise(email if email is not None else typer.prompt("E-mail address"))
    if address is None:
        raise typer.BadParameter("This is not an e-mail address.", param_hint="--email")
    if name is None:
        name = typer.prompt("Name", default=DEFAULT_NAME) if interactive and email is None else DEFAULT_NAME
    password = secrets.token_urlsafe(15) if print_password else _ask_for_password(address, name)
    try:
        created = run(lambda application: _create(application, address, name, password, if_none=if_none))
    except Problem as problem:
        typer.echo(problem.detail, err=True)
        raise typer.Exit(1) from None
    if created and print_password:
        typer.echo(f"{address} {password}")
    elif created:
        typer.echo(f"{address} can sign in and administer this installation.")
    elif not print_password:
        typer.echo("There is an account already; nothing was done.")


def _ask_for_password(email: str, name: str) -> str:
    while True:
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Password again")
        reason = objection(password, email=email, name=name)
        if reason is None:
            return password
        typer.echo(reason, err=True)


async def _create(application: Application, email: str, name: str, password: str, *, if_none: bool) -> bool:
    async with application.database.unit_of_work() as session:
        if if_none:
            return await create_first_administrator(session, email, name, password)
        await accounts.add(session, email, name, await passwords().hash(password), administrator=True)
        return True
