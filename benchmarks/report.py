"""What was measured, for the terminal and for docs/reference/performance.md."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks.load import CONNECTIONS
from benchmarks.measure import REQUESTS, ROUNDS, Result, Spread, machine

MEMORY_LIMIT = 120.0
LIBRARIES = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "asyncpg")


@dataclass(frozen=True, slots=True)
class Report:
    results: Sequence[Result]
    memory: float
    """MiB of the web process with all modules, after the requests."""
    boot: Spread
    """Seconds from the start of the process to its first answer."""

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results) and self.memory < MEMORY_LIMIT

    def rows(self) -> list[tuple[str, ...]]:
        return [
            (
                result.case.title,
                result.ours.text(0),
                result.floor.text(0),
                result.ratio.text(2),
                f"{result.case.limit:g}",
                "yes" if result.passed else "no",
            )
            for result in self.results
        ]

    def text(self) -> str:
        header = ("route", "Seamark µs", "bare µs", "ratio", "limit", "met")
        rows = [header, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, "", *self.remarks()])

    def remarks(self) -> list[str]:
        verdict = "under" if self.memory < MEMORY_LIMIT else "OVER"
        return [
            f"Memory of a web process with all modules: {self.memory:.0f} MiB (PSS), {verdict} the limit of {MEMORY_LIMIT:.0f}.",
            f"Start to first answer: {self.boot.text(2)} s.",
        ]

    def page(self) -> str:
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
        header = ("route", "Seamark, µs", "bare FastAPI, µs", "ratio", "limit", "met")
        table = [header, ("---",) * len(header), *self.rows()]
        lines = [
            "<!-- Written by `make bench`. -->",
            "",
            "# Performance",
            "",
            "What the whole production stack costs above bare FastAPI with raw asyncpg and no sign-in, for the same answers.",
            "CPU time of the server's process per request, median (least–most) of the rounds. Take the ratios along; the",
            "microseconds belong to the machine.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            "",
            *(f"- {remark}" for remark in self.remarks()),
            "",
            f"Measured on {machine()}, Python {platform.python_version()}, {libraries};",
            f"one uvicorn process each, {CONNECTIONS} connections, {ROUNDS} interleaved rounds of {REQUESTS} requests.",
            "`make bench` repeats it.",
            "",
        ]
        return "\n".join(lines)
