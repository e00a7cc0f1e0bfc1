"""``sm``: what it shows, where it needs no settings, and how it says that something is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import typer
from framework.findings import BootError
from framework.module import CommandGroup, Module
from typer.testing import CliRunner, Result

from host import cli

SM = (sys.executable, "-m", "host.cli")

type Sm = Callable[..., Result]


@pytest.fixture
def sm() -> Sm:
    """``sm("routes")`` in this process."""
    return lambda *words: CliRunner().invoke(cli.app, words)


def process(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``sm`` as a shell starts it: in a folder with nothing in it, with no settings but these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
    return subprocess.run(
        [*SM, *words], env=clean | environment, cwd=folder, capture_output=True, text=True, check=False
    )


class TestHelp:
    def test_needs_neither_settings_nor_services_and_shows_the_commands_of_modules_too(self, tmp_path: Path) -> None:
        done = process("--help", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        for word in ("dev", "migrate", "doctor", "modules", "routes", "openapi", "demo", "shell", "create-admin"):
            assert f" {word} " in done.stdout, word
        assert "Commands of Users" in done.stdout

    def test_is_shown_though_a_module_is_broken_with_what_is_wrong(self, tmp_path: Path) -> None:
        done = process("--help", folder=tmp_path, SM_MODULES_ENABLED="postbox")
        assert done.returncode == 0
        assert " doctor " in done.stdout
        assert "SM003 SM_MODULES_ENABLED asks for 'postbox'" in done.stderr

    def test_every_command_and_option_says_in_a_sentence_what_it_is_for(self) -> None:
        command = typer.main.get_command(cli.app)
        assert isinstance(command, typer.core.TyperGroup)
        assert len(command.commands) >= 10
        for name, found in command.commands.items():
            assert (found.help or "").partition("\n\n")[0].endswith("."), name
            for option in found.params:
                assert getattr(option, "help", None), f"{name} {option.name}"


class TestWhatIsWrong:
    def test_is_listed_without_a_traceback(self, tmp_path: Path) -> None:
        done = process("create-admin", folder=tmp_path, SM_MODULES_ENABLED="users,postbox")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Seamark cannot start: 1 problem\n")
        # Square brackets are markup to rich, and vanish unless it is told otherwise.
        assert "SM003 SM_MODULES_ENABLED asks for 'postbox'" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_command_that_there_is_none_of_is_said_so(self, tmp_path: Path) -> None:
        done = process("dcotor", folder=tmp_path)
        assert done.returncode == 2
        assert "No such command 'dcotor'" in done.stderr

    def test_a_modules_command_cannot_take_the_hosts_place(self) -> None:
        def doctor() -> None: ...

        with pytest.raises(BootError, match="SM006 command 'doctor' belongs to the host and to alpha"):
            cli.add_commands_of([Module(name="alpha", label="", commands=(doctor,))])

    def test_neither_can_a_modules_group_of_commands(self) -> None:
        with pytest.raises(BootError, match="SM006 command 'doctor' belongs to the host and to alpha"):
            cli.add_commands_of([Module(name="alpha", label="", commands=(CommandGroup("doctor", "Heal.", ()),))])


class TestAModulesGroup:
    def test_has_its_commands_under_one_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def list_() -> None:
            """List them."""
            typer.echo("one, two")

        def put_away() -> None:
            """Put them away."""

        app = typer.Typer()
        monkeypatch.setattr(cli, "app", app)
        group = CommandGroup("toys", "Play with them.", (list_, put_away))
        cli.add_commands_of([Module(name="alpha", label="Alpha", commands=(group,))])
        assert CliRunner().invoke(app, ["toys", "list"]).output == "one, two\n"
        shown = CliRunner().invoke(app, ["toys", "--help"]).output
        assert shown.index(" list ") < shown.index(" put-away ")


class TestRoutes:
    def test_are_listed_with_method_path_who_may_and_function_none_of_it_cut_off(self, sm: Sm) -> None:
        shown = sm("routes")
        assert shown.exit_code == 0
        lines = [line.split() for line in shown.output.splitlines()]
        assert ["GET", "/health", "public", "host.routes.live"] in lines
        assert ["GET", "/admin/health", "admin.health.view", "host.routes.health"] in lines
        assert ["POST", "/api/contacts/{id}/restore", "contacts.write"] in [line[:3] for line in lines]
        assert "…" not in shown.output

    def test_of_one_module_only(self, sm: Sm) -> None:
        shown = sm("routes", "users")
        paths = [line.split()[1] for line in shown.output.splitlines()[1:]]
        assert len(paths) > 5
        assert all(path.startswith("/api/users/") for path in paths)


class TestModules:
    def test_are_listed_whether_they_are_enabled(self, sm: Sm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_MODULES_ENABLED", "admin")
        rows = {line.split()[0]: line.split()[1] for line in sm("modules").output.splitlines()[1:]}
        assert (rows["admin"], rows["users"], rows["contacts"]) == ("yes", "yes", "no")


class TestOpenapi:
    def test_is_written_to_standard_output_and_nothing_else_is(self, tmp_path: Path) -> None:
        # A module is enabled because another requires it: that is logged, elsewhere.
        done = process("openapi", folder=tmp_path, SM_MODULES_ENABLED="admin", SM_LOG_LEVEL="nonsense")
        assert done.returncode == 0
        assert set(json.loads(done.stdout)["x-seamark"]["pages"]) == {"admin", "users"}

    def test_is_written_to_a_file_and_compared_with_it(self, sm: Sm, tmp_path: Path) -> None:
        path = tmp_path / "api.json"
        assert sm("openapi", "--check", "-o", str(path)).exit_code == 1
        assert sm("openapi", "-o", str(path)).exit_code == 0
        assert sm("openapi", "--check", "-o", str(path)).exit_code == 0
        path.write_text(path.read_text() + "\n")
        stale = sm("openapi", "--check", "-o", str(path))
        assert stale.exit_code == 1
        assert "is stale: run `make client`" in stale.output

    def test_cannot_be_compared_with_nothing(self, sm: Sm) -> None:
        assert sm("openapi", "--check").exit_code == 2

    def test_is_the_same_whatever_the_order_of_the_modules(self, sm: Sm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_MODULES_ENABLED", "users,contacts")
        one = sm("openapi").stdout
        monkeypatch.setenv("SM_MODULES_ENABLED", "contacts,users")
        assert sm("openapi").stdout == one


class TestDemo:
    async def test_writes_examples_and_no_more_when_it_runs_again(
        self, environment: dict[str, str], clean: None, signed_in_client: Callable[..., Awaitable[httpx.AsyncClient]]
    ) -> None:
        reader = await signed_in_client(permissions=("contacts.view",))
        written = []
        for _ in range(2):
            done = process("demo", folder=Path.cwd(), **environment)
            assert done.returncode == 0
            assert "✓ example data for Contacts" in done.stdout
            written.append((await reader.get("/api/contacts?limit=100")).json()["items"])
        assert written[0] == written[1] != []
