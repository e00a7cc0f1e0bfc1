"""``sm doctor``: all that is wrong, for people and for programs, whatever else is."""

import json
from collections.abc import Callable

import pytest
from framework.checks import Report
from framework.codes import SM014, SM016
from framework.findings import Finding, Level
from typer.testing import CliRunner, Result

from host import cli, doctor

type Sm = Callable[..., Result]


@pytest.fixture
def sm(environment: dict[str, str]) -> Sm:
    return lambda *words: CliRunner().invoke(cli.app, ["doctor", *words])


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``reported(finding)``: what the checks would have found."""

    def reported(*findings: Finding, silenced: tuple[tuple[Finding, str], ...] = ()) -> None:
        monkeypatch.setattr(doctor, "examine", lambda *, static_only: Report(findings, silenced))

    return reported


WARNING = SM016.finding("no [pages]", hint="npm [run] build", level=Level.WARNING)
ERROR = SM014.finding("Postgres: gone", owner="alpha")


class TestTheExitStatus:
    @pytest.mark.parametrize(
        ("findings", "words", "status"),
        [
            ((), (), 0),
            ((WARNING,), (), 0),
            ((ERROR,), (), 1),
            ((WARNING,), ("--fail-level", "warning"), 1),
            ((), ("--fail-level", "warning"), 0),
            ((ERROR,), ("--fail-level", "never"), 0),
            ((ERROR,), ("--format", "json"), 1),
        ],
    )
    def test_follows_the_gravest_finding(
        self, sm: Sm, reported: Callable[..., None], findings: tuple[Finding, ...], words: tuple[str, ...], status: int
    ) -> None:
        reported(*findings)
        assert sm(*words).exit_code == status

    def test_of_an_unknown_format_or_level_is_2(self, sm: Sm) -> None:
        assert sm("--format", "xml").exit_code == 2
        assert sm("--fail-level", "info").exit_code == 2


class TestForPeople:
    def test_each_finding_has_code_message_owner_and_what_to_do(self, sm: Sm, reported: Callable[..., None]) -> None:
        reported(ERROR, WARNING, silenced=((WARNING, "no [people] here"),))
        said = sm().output
        assert "✗ SM014 Postgres: gone (alpha)" in said
        assert "! SM016 no [pages] (seamark)" in said
        assert "→ npm [run] build" in said
        assert "- SM016 no [pages]: silenced, no [people] here" in said
        assert "1 error, 1 warning, 0 remarks" in said

    def test_nothing_found_is_said(self, sm: Sm, reported: Callable[..., None]) -> None:
        reported()
        assert sm().output == "✓ nothing found\n"


class TestForPrograms:
    def test_it_is_one_document(self, sm: Sm, reported: Callable[..., None]) -> None:
        reported(ERROR, silenced=((WARNING, "accepted"),))
        assert json.loads(sm("--format", "json").stdout) == {
            "findings": [
                {"code": "SM014", "level": "error", "owner": "alpha", "message": "Postgres: gone", "hint": ""}
            ],
            "silenced": [{"code": "SM016", "reason": "accepted"}],
        }

    def test_nothing_that_is_logged_gets_into_it(self, sm: Sm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_REDIS_URL", "redis://127.0.0.1:1/0")
        monkeypatch.setenv("SM_LOG_LEVEL", "debug")
        monkeypatch.setenv("SM_MODULES_ENABLED", "admin")
        assert "SM014" in {finding["code"] for finding in json.loads(sm("--format", "json").stdout)["findings"]}


class TestWhatIsJudged:
    def test_an_installation_that_works_has_no_error(self, sm: Sm, clean: None) -> None:
        assert [
            finding for finding in json.loads(sm("--format", "json").stdout)["findings"] if finding["level"] == "error"
        ] == []

    def test_a_broken_setting_hides_no_broken_module(self, sm: Sm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_MAX_BODY", "many")
        monkeypatch.setenv("SM_MODULES_ENABLED", "postbox")
        monkeypatch.setenv("SM_USERS_ARGON2_MEMORY", "1")
        done = sm("--format", "json")
        assert done.exit_code == 1
        assert {finding["code"] for finding in json.loads(done.stdout)["findings"]} == {"SM001", "SM003"}

    def test_a_database_that_is_behind_is_found(
        self, sm: Sm, monkeypatch: pytest.MonkeyPatch, empty_database: str
    ) -> None:
        monkeypatch.setenv("SM_DATABASE_URL", empty_database)
        found = [
            finding for finding in json.loads(sm("--format", "json").stdout)["findings"] if finding["code"] == "SM010"
        ]
        assert found
        assert "sm migrate" in found[0]["hint"] + found[0]["message"]

    def test_services_are_left_alone_when_asked(self, sm: Sm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_DATABASE_URL", "postgresql+asyncpg://a:b@127.0.0.1:1/x")
        monkeypatch.setenv("SM_REDIS_URL", "redis://127.0.0.1:1/0")
        codes = {finding["code"] for finding in json.loads(sm("--format", "json", "--static").stdout)["findings"]}
        assert not codes & {"SM010", "SM014"}
