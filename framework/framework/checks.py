"""The check engine behind the boot, ``sm doctor``, the admin page and CI."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from framework.application import Application
from framework.codes import SM017
from framework.findings import Code, Finding, Level, all_codes

log = structlog.get_logger()
Findings = Iterable[Finding]

SM019 = Code("SM019", "A check could not run", Level.ERROR, "The check itself raised; the log says what.")


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
            log.exception("check failed", check=check.name)
            found.append(SM019.finding(f"{check.name} raised {type(error).__name__}", owner=check.owner))
    reasons, bad = parse_silenced(application.settings.silenced_checks)
    found.extend(bad)
    return Report(
        tuple(sorted((item for item in found if item.code not in reasons), key=lambda item: (-item.level, item.code))),
        tuple((item, reasons[item.code]) for item in found if item.code in reasons),
    )


def parse_silenced(text: str) -> tuple[dict[str, str], list[Finding]]:
    """``CODE=reason; CODE=reason`` as a mapping, and a finding for each entry without a reason or of no known code."""
    known = {code.id for code in all_codes()}
    reasons: dict[str, str] = {}
    bad: list[Finding] = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        code, _, reason = (part.strip() for part in entry.partition("="))
        if code not in known or code == SM017.id:
            bad.append(SM017.finding(f"SM_SILENCED_CHECKS names {code}, which is not a code that can be silenced"))
        elif not reason:
            bad.append(
                SM017.finding(f"SM_SILENCED_CHECKS gives no reason for {code}", hint=f"{code}=why this is accepted")
            )
        else:
            reasons[code] = reason
    return reasons, bad
