"""What was measured, for the terminal and for docs/reference/performance.md."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks.load import CONNECTIONS
from benchmarks.measure import REQUESTS, ROUNDS, Result, Spread, machine
from benchmarks.resilience_report import HEADER as COSTS_HEADER
from benchmarks.resilience_report import Cost
from benchmarks.task_report import HEADER, TaskReport

MEMORY_LIMIT = 120.0
LIBRARIES = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "asyncpg", "celery", "kombu", "redis")


@dataclass(frozen=True, slots=True)
class Report:
    results: Sequence[Result]
    costs: Sequence[Cost]
    memory: float
    """MiB of the web process with all modules, after the requests."""
    boot: Spread
    """Seconds from the start of the process to its first answer."""
    tasks: TaskReport

    @property
    def passed(self) -> bool:
        web = all(result.passed for result in self.results) and self.memory < MEMORY_LIMIT
        return web and all(cost.passed for cost in self.costs) and self.tasks.passed

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
        costs = [COSTS_HEADER, *(cost.row() for cost in self.costs)]
        tables = ([header, *self.rows()], costs, [HEADER, *self.tasks.rows()])
        return "\n".join([*(line for table in tables for line in (*_aligned(table), "")), *self.remarks()])

    def remarks(self) -> list[str]:
        verdict = "under" if self.memory < MEMORY_LIMIT else "OVER"
        return [
            f"Memory of a web process with all modules: {self.memory:.0f} MiB (PSS), {verdict} the limit of {MEMORY_LIMIT:.0f}.",
            f"Start to first answer: {self.boot.text(2)} s.",
        ]

    def page(self) -> str:
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
        header = ("route", "Seamark, µs", "bare FastAPI, µs", "ratio", "limit", "met")
        lines = [
            "<!-- Written by `make bench`. -->",
            "",
            "# Performance",
            "",
            "What the whole production stack costs above bare FastAPI with raw asyncpg and no sign-in, for the same answers.",
            "CPU time of the server's process per request, median (least–most) of the rounds. Take the ratios along; the",
            "microseconds belong to the machine.",
            "",
            *_table([header, *self.rows()]),
            "",
            f"What resilience costs of that: `GET /api/greeting`, which bare FastAPI answers in {self.results[0].floor.text(0)} µs,",
            "or a `POST` with a transaction where it is about idempotency keys, with and without each part. The difference is",
            "what the part costs; one of a few microseconds is within what the rounds differ by.",
            "",
            *_table([COSTS_HEADER, *(cost.row() for cost in self.costs)]),
            "",
            "What the guarantees cost above bare Celery, which may lose tasks and run them twice: the same concurrency and the",
            "same servers, which keep what they took. A task goes through the outbox, the relay and the broker; its start is",
            "counted, and its effect committed with its end.",
            "",
            *_table([HEADER, *self.tasks.rows()]),
            "",
            *(f"- {remark}" for remark in self.remarks()),
            "",
            f"Measured on {machine()}, Python {platform.python_version()}, {libraries};",
            f"one uvicorn process each, {CONNECTIONS} connections, {ROUNDS} interleaved rounds of {REQUESTS} requests;",
            f"one worker each, {self.tasks.concurrency} tasks at a time, {self.tasks.rounds}.",
            "`make bench` repeats it.",
            "",
        ]
        return "\n".join(lines)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    header, *rest = rows
    return [f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rest)]
