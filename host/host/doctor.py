"""``sm doctor``: the check engine's report for people and for programs."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
from framework.checks import Report, all_checks, parse_silenced, run_checks
from framework.correlation import bound, new_correlation_id
from framework.findings import BootError, Level
from framework.loader import load_modules
from framework.settings import enabled_modules, silenced_checks
from rich.console import Console
from rich.markup import escape

from host.boot import compose

MARKS = {Level.ERROR: "[red]✗[/]", Level.WARNING: "[yellow]![/]", Level.INFO: "[blue]i[/]"}


def examine(*, static_only: bool) -> Report:
    """Run every check. What stops the boot is itself a finding, so even a broken installation gets a report."""
    try:
        application = compose("doctor", log_to=sys.stderr)
    except BootError as error:
        return Report(tuple(error.findings), ())

    async def judge() -> Report:
        try:
            return await run_checks(application, all_checks(application), static_only=static_only)
        finally:
            await application.close()

    with bound(new_correlation_id()):
        return asyncio.run(judge())


class NothingToExamine(Exception):
    """The message is for the person at the keyboard."""


def examine_deployment(root: Path) -> tuple[Report, Mapping[str, int]]:
    """Of the files below ``root`` and the enabled modules; of this process's settings only ``SM_SILENCED_CHECKS`` matters.

    Also how many files of each part there are, so that nothing found is not taken for nothing looked at.
    Raises ``NothingToExamine``.
    """
    from host.deployment.examine import examine, missing, parts  # noqa: PLC0415 - few commands need it

    if not root.is_dir():
        raise NothingToExamine(f"{root} is no folder")
    if lacking := missing():
        raise NothingToExamine(
            f"What reads the files of a deployment is not installed: {', '.join(lacking)}. "
            "In a clone: uv run sm doctor --deploy"
        )
    looked_at = {part.name: len(part.found(root)) for part in parts()}
    if not any(looked_at.values()):
        raise NothingToExamine(f"{root} has neither a Dockerfile nor a docker-compose.yml nor deploy/")
    reasons, bad = parse_silenced(silenced_checks())
    found = sorted([*bad, *examine(root, load_modules(enabled_modules()))], key=lambda item: (-item.level, item.code))
    report = Report(
        tuple(item for item in found if item.code not in reasons),
        tuple((item, reasons[item.code]) for item in found if item.code in reasons),
    )
    return report, looked_at


def show(report: Report, output: Literal["text", "json"], looked_at: Mapping[str, int] | None = None) -> None:
    """``looked_at``: files, by the name of what they are for."""
    if output == "json":
        findings = [
            {
                "code": item.code,
                "level": item.level.name.lower(),
                "owner": item.owner,
                "message": item.message,
                "hint": item.hint,
            }
            for item in report.findings
        ]
        silenced = [{"code": item.code, "reason": reason} for item, reason in report.silenced]
        document: dict[str, Any] = {"findings": findings, "silenced": silenced}
        if looked_at is not None:
            document["looked_at"] = dict(looked_at)
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    for name, count in (looked_at or {}).items():
        console.print(f"  {name:<12}{f'{count} file{"s" * (count != 1)}' if count else '[dim]none here[/]'}")
    for item in report.findings:
        console.print(f"{MARKS[item.level]} [bold]{item.code}[/] {escape(item.message)} [dim]({item.owner})[/]")
        if item.hint:
            console.print(f"         [dim]→[/] {escape(item.hint)}")
    for item, reason in report.silenced:
        console.print(f"- {item.code} {item.message}: silenced, {reason}", style="dim", markup=False)
    counts = {level: sum(item.level is level for item in report.findings) for level in Level}
    if report.findings:
        words = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "remark"}
        console.print(", ".join(f"{counts[level]} {word}{'s' * (counts[level] != 1)}" for level, word in words.items()))
    else:
        console.print("[green]✓[/] nothing found")
