"""The figures that fault tests print, kept in docs/reference/faults.md: ``make faults figures=1`` writes those of what it ran."""

import re
from pathlib import Path

from host.dev.environment import CLONE

PAGE = CLONE / "docs" / "reference" / "faults.md"
HEAD = """<!-- Written by `make faults figures=1`; run it again instead. -->

# What was lost

What the tests in `tests/faults` and `tests/deployment` counted the last time that they were run for this page, on real
processes. Those marked *long* are of `make faults long=1 figures=1`, the size that the bar names; the others are shorter, as CI
runs them. Two shared processors; counts matter more here than times.

| test | counted |
| --- | --- |
"""
ROW = re.compile(r"^\| `(.+?)`( \*long\*)? \| (.*) \|$", re.MULTILINE)


def told(page: str) -> dict[str, tuple[bool, str]]:
    """By test: whether at full size, and its lines."""
    return {name: (bool(long), lines) for name, long, lines in ROW.findall(page)}


def written(rows: dict[str, tuple[bool, str]]) -> str:
    lines = [f"| `{name}`{' *long*' if long else ''} | {said} |\n" for name, (long, said) in sorted(rows.items())]
    return HEAD + "".join(lines)


def renew(figures: dict[str, list[str]], *, long: bool, page: Path = PAGE, tests: Path = CLONE) -> None:
    """Put ``figures`` in the place of what the same tests said before. Tests that are gone go from the page, too."""
    rows = told(page.read_text()) if page.exists() else {}
    rows |= {name: (long, "<br>".join(map(_cell, lines))) for name, lines in figures.items()}
    kept = {name: row for name, row in rows.items() if (tests / name.partition("::")[0]).exists()}
    page.write_text(written(kept))


def _cell(line: str) -> str:
    return line.strip().replace("|", "\\|").replace("\n", "<br>")
