"""What this process runs: its modules, and what the checks find in it."""

from importlib.metadata import EntryPoint

from framework.application import Application
from framework.checks import all_checks, run_checks
from framework.findings import Finding, all_codes
from framework.loader import installed
from framework.module import Module, command_name

from admin.schemas import FindingOut, ModuleOut


def modules_of(application: Application) -> list[ModuleOut]:
    """Every installed module by name, enabled or not."""
    return [_describe(point, application.module(name)) for name, point in installed().items()]


def _describe(point: EntryPoint, module: Module | None) -> ModuleOut:
    version = point.dist.version if point.dist else ""
    if module is None:
        return ModuleOut(name=point.name, label=point.name, version=version, enabled=False, requires=[])
    return ModuleOut(
        name=module.name,
        label=module.label,
        version=version,
        enabled=True,
        requires=list(module.requires),
        routes=len(module.router.routes) if module.router else 0,
        pages=list(module.pages),
        permissions=[permission.name for permission in module.permissions],
        tasks=[task.name for task in module.tasks],
        schedules=[schedule.entry for schedule in module.schedules],
        health=[check.name for check in module.health],
        checks=[check.name for check in module.checks],
        commands=[command_name(command) for command in module.commands],
    )


async def findings_of(application: Application) -> list[FindingOut]:
    """All checks, now; what counts first and the worst of it on top, then what is silenced."""
    report = await run_checks(application, all_checks(application))
    titles = {code.id: code.title for code in all_codes()}
    counted = [(finding, None) for finding in report.findings]
    return [_finding(finding, reason, titles) for finding, reason in [*counted, *report.silenced]]


def _finding(finding: Finding, silenced: str | None, titles: dict[str, str]) -> FindingOut:
    return FindingOut(
        code=finding.code,
        title=titles[finding.code],
        level=finding.level.name.lower(),
        message=finding.message,
        hint=finding.hint,
        owner=finding.owner,
        silenced=silenced,
    )
