"""The check engine behind the boot, ``sm doctor``, the admin page and CI."""

import inspect
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from framework.application import Application
from framework.codes import SM013, SM014, SM017, SM019, SM021, SM022, SM023
from framework.database import is_connection_lost
from framework.error_reports.checks import check_reporter
from framework.findings import BootError, Finding, Level, all_codes
from framework.outgoing.checks import check_outgoing
from framework.rate_limits import overrides
from framework.rate_limits.rules import declared

log = structlog.get_logger()
Findings = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """A question about this installation. ``run`` returns findings, or nothing when all is well.

    A ``dynamic`` check may use the database and Redis; the others read settings and manifests only, so they also run
    where there is no database, as in a freshly built image.
    """

    name: str
    run: Callable[[Application], Findings | Awaitable[Findings]]
    owner: str = "seamark"
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]
    silenced: tuple[tuple[Finding, str], ...]
    """What was found and accepted, with the reason."""

    def worst(self) -> Level | None:
        return max((finding.level for finding in self.findings), default=None)


async def run_checks(application: Application, checks: Sequence[Check], *, static_only: bool = False) -> Report:
    """Every check, whatever the others say; nothing stops at the first failure."""
    found: list[Finding] = []
    for check in checks:
        if check.dynamic and static_only:
            continue
        try:
            result = check.run(application)
            findings = await result if inspect.isawaitable(result) else result
            found.extend(replace(item, owner=check.owner) if item.owner == "seamark" else item for item in findings)
        except Exception as error:
            if check.dynamic and is_connection_lost(error):
                # SM014 says why, once; a traceback for each check would bury it.
                waits = f"{check.name} was not asked, because the database does not answer"
                found.append(SM019.finding(waits, owner=check.owner, level=Level.INFO))
                continue
            log.exception("check failed", check=check.name)
            found.append(SM019.finding(f"{check.name} raised {type(error).__name__}", owner=check.owner))
    reasons, bad = parse_silenced(application.settings.silenced_checks)
    found.extend(bad)
    return Report(
        tuple(sorted((item for item in found if item.code not in reasons), key=lambda item: (-item.level, item.code))),
        tuple((item, reasons[item.code]) for item in found if item.code in reasons),
    )


async def refuse_on_errors(application: Application, checks: Sequence[Check], *, static_only: bool = False) -> None:
    """For a boot: raises ``BootError`` with the errors that ``checks`` find, and logs the warnings. Remarks are for who asks."""
    report = await run_checks(application, checks, static_only=static_only)
    errors = [finding for finding in report.findings if finding.level >= Level.ERROR]
    if errors:
        raise BootError(errors)
    for finding in report.findings:
        tell = log.warning if finding.level >= Level.WARNING else log.debug
        tell("check", code=finding.code, message=finding.message, hint=finding.hint)


def parse_silenced(text: str) -> tuple[dict[str, str], list[Finding]]:
    """``CODE=reason; CODE=reason`` as a mapping, and a finding for each entry without a reason or of no known code."""
    known = {code.id for code in all_codes()}
    reasons: dict[str, str] = {}
    bad: list[Finding] = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        code, _, reason = (part.strip() for part in entry.partition("="))
        if code in (SM017.id, SM019.id):
            bad.append(SM017.finding(f"SM_SILENCED_CHECKS names {code}, which cannot be silenced", hint="take it out"))
        elif code not in known:
            # No more than a warning: a worker with fewer modules does not know the codes of the others.
            bad.append(
                SM017.finding(
                    f"SM_SILENCED_CHECKS names {code}, which no enabled module declares",
                    hint="`sm doctor` prints codes; docs/reference/checks.md lists them",
                    level=Level.WARNING,
                )
            )
        elif not reason:
            bad.append(
                SM017.finding(f"SM_SILENCED_CHECKS gives no reason for {code}", hint=f"{code}=why this is accepted")
            )
        else:
            reasons[code] = reason
    return reasons, bad


def all_checks(application: Application) -> list[Check]:
    """The framework's checks, the host's and those of every enabled module, in that order."""
    modules = [replace(check, owner=module.name) for module in application.modules for check in module.checks]
    return [*framework_checks, *application.checks, *modules]


def _production_settings(application: Application) -> Iterator[Finding]:
    settings = application.settings
    if not settings.is_production:
        return
    keys = [
        ("SM_SECRET_KEY", settings.secret_key),
        *(("SM_SECRET_KEY_FALLBACKS", key) for key in settings.secret_key_fallbacks),
    ]
    for name, key in keys:
        if reason := weakness(key.get_secret_value()):
            yield SM013.finding(f"{name} {reason}", hint="python -c 'import secrets; print(secrets.token_urlsafe(48))'")
    if not settings.is_secure:
        yield SM021.finding(
            f"SM_PUBLIC_URL is {settings.public_url}, so cookies travel without TLS",
            hint="set it to the https:// address that people use",
        )
    if os.environ.get("FORWARDED_ALLOW_IPS", "").strip() == "*":
        yield SM022.finding(
            "FORWARDED_ALLOW_IPS is *, so anyone may choose the client address that is logged and limited",
            hint="name the proxy's address or network, such as 10.0.0.0/8",
        )
    if settings.vite_url:
        yield SM023.finding("SM_VITE_URL is set, so pages load unbuilt browser code", hint="unset it")


def weakness(secret: str) -> str | None:
    """Why a signing key is too weak, if it is (Django's security.W009: length, distinct characters, known defaults)."""
    if len(secret) < 32:
        return f"has {len(secret)} characters; it needs 32 or more"
    if len(set(secret)) < 8:
        return "repeats a few characters"
    if any(
        word in secret.lower() for word in ("changeme", "change-me", "change_me", "insecure", "secret-key", "example")
    ):
        return "is an example from some documentation"
    return None


def _rate_limits(application: Application) -> Iterator[Finding]:
    readable, bad = overrides.parse(application.settings.rate_limits)
    yield from bad
    yield from overrides.unknown(readable, declared(application.modules))


async def _reachable(application: Application) -> list[Finding]:
    findings = []
    try:
        async with application.database.driver_connection() as connection:
            version = connection.get_server_version()
        if version.major < 15:
            findings.append(SM014.finding(f"Postgres is version {version.major}; 15 or newer is needed"))
    except Exception as error:  # noqa: BLE001 - any failure to connect is the finding
        findings.append(
            SM014.finding(
                f"Postgres: {type(error).__name__}: {error}", hint="SM_DATABASE_URL; on a laptop `make dev` starts one"
            )
        )
    try:
        await application.redis.ping()
    except Exception as error:  # noqa: BLE001
        findings.append(
            SM014.finding(
                f"Redis: {type(error).__name__}: {error}", hint="SM_REDIS_URL; on a laptop `make dev` starts one"
            )
        )
    return findings


framework_checks = (
    Check("settings for production", _production_settings),
    Check("rate limits", _rate_limits),
    Check("calls to other services", check_outgoing),
    Check("error reporter", check_reporter),
    Check("services", _reachable, dynamic=True),
)
