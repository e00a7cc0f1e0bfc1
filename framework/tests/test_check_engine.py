"""Checks run whatever the others say; what they find can be accepted with a reason, and with nothing less."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.checks import Check, all_checks, parse_silenced, refuse_on_errors, run_checks, weakness
from framework.codes import SM013, SM014, SM016, SM017, SM019
from framework.findings import BootError, Code, Finding, Level, all_codes
from framework.module import Module

type Build = Callable[..., FastAPI]

STRONG = "PxW4bVn1QkTz8mLr5yHc2dJs7gFa0eUo"


@pytest.fixture
def installation(build: Build, application_of: Callable[[FastAPI], Application]) -> Callable[..., Application]:
    """``installation(silenced_checks="…")``: an application that is fine but for what the settings say."""

    def installation(**settings: Any) -> Application:
        return application_of(build(**{"secret_key": STRONG} | settings))

    return installation


def finds(*findings: Finding) -> Callable[[Application], list[Finding]]:
    return lambda _: list(findings)


async def found(application: Application, *checks: Check, static_only: bool = False) -> list[tuple[str, str]]:
    report = await run_checks(application, checks, static_only=static_only)
    return [(finding.code, finding.message) for finding in report.findings]


async def test_nothing_stops_at_the_first_failure(
    installation: Callable[..., Application], logged: list[dict[str, Any]]
) -> None:
    def raises(_: Application) -> list[Finding]:
        raise LookupError("canary-7f3a9c")

    def half(_: Application) -> Any:
        yield SM016.finding("first half")
        raise LookupError

    async def waits(_: Application) -> list[Finding]:
        return [SM014.finding("gone")]

    checks = (Check("raises", raises), Check("half", half), Check("waits", waits), Check("fine", finds()))
    assert await found(installation(), *checks) == [
        ("SM014", "gone"),
        ("SM016", "first half"),
        ("SM019", "raises raised LookupError"),
        ("SM019", "half raised LookupError"),
    ]
    assert [line["check"] for line in logged] == ["raises", "half"]


async def test_the_gravest_come_first(installation: Callable[..., Application]) -> None:
    check = Check("all", finds(SM016.finding("w", level=Level.WARNING), SM014.finding("e"), SM013.finding("e")))
    report = await run_checks(installation(), [check])
    assert [finding.code for finding in report.findings] == ["SM013", "SM014", "SM016"]
    assert report.worst() is Level.ERROR


async def test_a_boot_warns_and_keeps_remarks_for_who_asks(
    installation: Callable[..., Application], logged: list[dict[str, Any]]
) -> None:
    check = Check("both", finds(SM016.finding("w", level=Level.WARNING), SM014.finding("i", level=Level.INFO)))
    await refuse_on_errors(installation(), [check])
    assert [(line["log_level"], line["code"]) for line in logged] == [("warning", "SM016"), ("debug", "SM014")]


async def test_static_leaves_out_what_needs_services(installation: Callable[..., Application]) -> None:
    checks = (Check("static", finds(SM013.finding("a"))), Check("dynamic", finds(SM014.finding("b")), dynamic=True))
    assert await found(installation(), *checks, static_only=True) == [("SM013", "a")]
    assert len(await found(installation(), *checks)) == 2


async def test_a_finding_belongs_to_the_module_that_asked(installation: Callable[..., Application]) -> None:
    application = installation()
    application.modules = (Module(name="alpha", label="", checks=(Check("mine", finds(SM014.finding("x"))),)),)
    report = await run_checks(application, all_checks(application), static_only=True)
    assert [finding.owner for finding in report.findings] == ["alpha"]


def test_an_installation_is_asked_by_the_framework_the_host_and_each_module(
    installation: Callable[..., Application],
) -> None:
    application = installation()
    application.checks = (Check("the host's", finds()),)
    application.modules = (Module(name="alpha", label="", checks=(Check("a module's", finds()),)),)
    names = [(check.name, check.owner) for check in all_checks(application)]
    assert names[-2:] == [("the host's", "seamark"), ("a module's", "alpha")]
    assert len(names) > 2


class TestSilencing:
    async def test_a_code_with_a_reason_is_silent_and_shown_as_such(
        self, installation: Callable[..., Application]
    ) -> None:
        application = installation(silenced_checks="SM016=no pages here; SM014 = the database is elsewhere ")
        checks = [Check("all", finds(SM016.finding("a"), SM014.finding("b"), SM013.finding("c")))]
        report = await run_checks(application, checks)
        assert [finding.code for finding in report.findings] == ["SM013"]
        assert [(finding.code, reason) for finding, reason in report.silenced] == [
            ("SM016", "no pages here"),
            ("SM014", "the database is elsewhere"),
        ]

    @pytest.mark.parametrize("text", ["SM016", "SM016=", "SM016= ", "SM016; SM014=x"])
    async def test_without_a_reason_nothing_is_silent(
        self, installation: Callable[..., Application], text: str
    ) -> None:
        report = await run_checks(installation(silenced_checks=text), [Check("a", finds(SM016.finding("a")))])
        assert {finding.code for finding in report.findings} == {"SM016", "SM017"}
        assert "gives no reason for SM016" in str(report.findings)
        assert report.worst() is Level.ERROR

    async def test_an_unknown_code_is_a_warning_because_another_process_may_know_it(self, installation: Callable[..., Application]) -> None:  # fmt: skip
        report = await run_checks(installation(silenced_checks="SM999=of a module that is not enabled here"), [])
        assert [(finding.code, finding.level) for finding in report.findings] == [("SM017", Level.WARNING)]

    @pytest.mark.parametrize("code", ["SM017", "SM019"])
    def test_that_the_engine_does_not_work_cannot_be_accepted(self, code: str) -> None:
        reasons, bad = parse_silenced(f"{code}=please")
        assert (reasons, [finding.level for finding in bad]) == ({}, [Level.ERROR])

    def test_nothing_said_is_nothing_silent(self) -> None:
        assert parse_silenced(" ; ;") == ({}, [])


SAFE = {"environment": "production", "public_url": "https://seamark.test", "secret_key": STRONG}


class TestProduction:
    async def codes(self, installation: Callable[..., Application], **changes: Any) -> list[str]:
        application = installation(**SAFE | changes)
        report = await run_checks(application, all_checks(application), static_only=True)
        assert all(finding.hint for finding in report.findings)
        return [finding.code for finding in report.findings]

    async def test_safe_settings_are_fine(self, installation: Callable[..., Application]) -> None:
        assert await self.codes(installation) == []

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"secret_key": "short"}, "SM013"),
            ({"secret_key_fallbacks": "short"}, "SM013"),
            ({"public_url": "http://seamark.test"}, "SM021"),
            ({"vite_url": "http://127.0.0.1:5173"}, "SM023"),
        ],
    )
    async def test_each_danger_has_a_code_of_its_own(self, installation: Callable[..., Application], changes: dict[str, str], code: str) -> None:  # fmt: skip
        assert await self.codes(installation, **changes) == [code]
        assert await self.codes(installation, **changes, environment="development") == []

    async def test_trusting_every_proxy_is_one(self, installation: Callable[..., Application], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", " * ")
        assert await self.codes(installation) == ["SM022"]
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.0/8")
        assert await self.codes(installation) == []

    async def test_a_weak_key_is_not_shown(self, installation: Callable[..., Application]) -> None:
        application = installation(**SAFE | {"secret_key": "canary-7f3a9c"})
        report = await run_checks(application, all_checks(application), static_only=True)
        assert "canary" not in repr(report)

    @pytest.mark.parametrize(
        "secret", ["", "x" * 31, "ab" * 20, "changeme" * 5, "django-insecure-" + STRONG, "Example-" + STRONG]
    )
    def test_keys_that_are_too_weak(self, secret: str) -> None:
        assert weakness(secret)

    def test_keys_that_are_strong_enough(self) -> None:
        assert weakness(STRONG) is None


async def test_a_check_that_misses_the_database_says_so_without_a_traceback(
    installation: Callable[..., Application], logged: list[dict[str, Any]]
) -> None:
    async def asks(application: Application) -> list[Finding]:
        async with application.database.driver_connection():
            return []

    report = await run_checks(installation(), [Check("asks", asks, dynamic=True)])
    assert [(finding.code, finding.level) for finding in report.findings] == [("SM019", Level.INFO)]
    assert logged == []


async def test_services_that_do_not_answer_are_both_found(installation: Callable[..., Application]) -> None:
    application = installation()
    report = await run_checks(application, all_checks(application))
    messages = [finding.message for finding in report.findings if finding.code == "SM014"]
    assert [message.partition(":")[0] for message in messages] == ["Postgres", "Redis"]
    assert "nothing" not in str(messages)  # the password


class TestCodes:
    def test_a_code_is_declared_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("framework.findings._registered", {})
        Code("SM996", "A title", Level.INFO, "A meaning")
        Code("SM996", "A title", Level.INFO, "A meaning")
        with pytest.raises(ValueError, match="SM996 is declared twice"):
            Code("SM996", "Another title", Level.INFO, "A meaning")

    def test_every_code_says_what_it_means(self) -> None:
        assert all(code.title and code.meaning.endswith(".") for code in all_codes())

    def test_the_boot_says_how_many_problems_and_which(self) -> None:
        error = BootError([SM017.finding("one", hint="do this"), SM019.finding("two", owner="alpha")])
        assert str(error).splitlines() == [
            "Seamark cannot start: 2 problems",
            "  SM017 one (seamark)",
            "      → do this",
            "  SM019 two (alpha)",
        ]
