"""``sm create-admin``, run as a person or a script runs it."""

import asyncio
import os
import pty
import subprocess
import sys
from dataclasses import dataclass

import pytest
from framework.application import Application
from host.testing.people import create_person
from httpx import AsyncClient
from typer import Typer
from typer.testing import CliRunner
from users.commands import create_admin

COMMAND = [sys.executable, "-m", "host.cli", "create-admin"]
# Passwords are asked for on the controlling terminal, which a process of a new session has to take first.
AT_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from host.cli import main
sys.argv = ["sm", "create-admin"]
main()
"""
EMAIL, PASSWORD = "root@example.com", "tiny wheel of cheddar"
cli = Typer()
cli.command()(create_admin)


@dataclass
class Ended:
    status: int
    output: str
    errors: str


@pytest.fixture(autouse=True)
def _database(application: Application) -> None:
    """An empty one, whose address the commands find in the environment."""


async def run(*arguments: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate()
    return Ended(process.returncode or 0, output.decode(), errors.decode())


async def can_sign_in(client: AsyncClient, email: str, password: str) -> bool:
    answer = await client.post("/api/users/sign-in", json={"email": email, "password": password})
    return answer.status_code == 204 and "admin" in str((await client.get("/api/users/me")).json()["roles"])


async def test_a_script_gets_one_line_and_the_next_one_nothing(client: AsyncClient) -> None:
    script = ("--if-none", "--email", EMAIL, "--print-password")
    made = await run(*script)
    assert made.status == 0, made.errors
    email, password = made.output.removesuffix("\n").split(" ")
    assert email == EMAIL
    assert len(password) >= 20
    assert await can_sign_in(client, email, password)
    again = await run(*script)
    assert (again.status, again.output) == (0, "")


@pytest.mark.parametrize("arguments", [(), ("--email", EMAIL), ("--print-password",)])
def test_without_a_terminal_it_says_what_it_needs(arguments: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(cli, arguments)
    assert refused.exit_code == 2
    assert "--print-password" in refused.output


async def test_a_taken_address_is_an_error_and_not_a_traceback(application: Application) -> None:
    await create_person(application, (), EMAIL, administrator=False)
    refused = await run("--email", EMAIL, "--print-password")
    assert refused.status == 1
    assert refused.output == ""
    assert refused.errors.strip() == "Somebody has an account with this e-mail address."


def at_a_terminal(answers: list[tuple[str, str]]) -> str:
    """Answer each prompt when all of it is there (what is typed earlier is discarded); what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", AT_TERMINAL]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = seen = ""
    try:
        while True:
            try:
                part = os.read(ours, 4096).decode(errors="replace")
            except OSError:  # Linux says so when the other side has closed
                break
            if not part:
                break
            shown += part
            if answers and answers[0][0] in shown[len(seen) :]:
                seen = shown
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
    finally:
        os.close(ours)
        status = process.wait(timeout=30)
    assert status == 0, shown
    return shown


async def test_a_person_is_asked_and_weak_passwords_are_refused(client: AsyncClient) -> None:
    answers = [
        ("E-mail address: ", EMAIL.upper()),
        ("Name [Administrator]: ", "Grace Hopper"),
        ("Password: ", "short"),
        ("Password again: ", "short"),
        ("Password: ", PASSWORD),
        ("Password again: ", PASSWORD),
    ]
    shown = await asyncio.to_thread(at_a_terminal, answers)
    assert "at least 15 characters" in shown
    assert PASSWORD not in shown
    assert await can_sign_in(client, EMAIL, PASSWORD)
    assert (await client.get("/api/users/me")).json()["name"] == "Grace Hopper"
