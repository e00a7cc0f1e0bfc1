"""What is counted of tasks where they run."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from framework.tasks.attempt import Next, Result
from framework.tasks.declaration import Outcome

RUNS = Counter(
    "seamark_task_runs", "Messages that this process has dealt with, by what became of them.", ["task", "outcome"]
)
SECONDS = Histogram(
    "seamark_task_seconds",
    "How long each go at a task took.",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300),
)
UNKNOWN = "unknown"
NO_RUN = frozenset({Next.ELSEWHERE, Next.PARKED})
"""Nothing of it ran here."""


def prepare(tasks: Iterable[str]) -> None:
    """Their series are there from the start: what is only there from its first failure on has no rate for that failure."""
    for task in tasks:
        SECONDS.labels(task)
        for outcome in Outcome:
            RUNS.labels(task, outcome.name.lower())


def count(task: str, result: Result, seconds: float) -> None:
    """``task`` is one that this process knows, or counts as unknown."""
    RUNS.labels(task, result.name.lower()).inc()
    if result not in NO_RUN:
        SECONDS.labels(task).observe(seconds)
