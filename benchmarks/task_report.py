"""What was measured of tasks, for the terminal and for docs/reference/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.measure import Spread

LEAST_RATIO = 0.6
LONGEST_START = 20.0
HEADER = ("tasks", "Seamark", "bare Celery", "ratio", "limit", "met")


@dataclass(frozen=True, slots=True)
class TaskReport:
    concurrency: int
    rounds: str
    ours: Spread
    """No-op tasks a second, from the outbox to the commit of their end."""
    floor: Spread
    ratio: Spread
    latency: Sequence[float]
    """Seconds from commit to start, on an idle machine."""
    floor_latency: Sequence[float]

    @property
    def fast(self) -> bool:
        return self.ratio.median >= LEAST_RATIO

    @property
    def prompt(self) -> bool:
        return percentile(self.latency, 50) <= LONGEST_START

    @property
    def passed(self) -> bool:
        return self.fast and self.prompt

    def rows(self) -> list[tuple[str, ...]]:
        rate = ("no-op tasks a second", self.ours.text(0), self.floor.text(0), self.ratio.text(2))
        return [
            (*rate, f"≥ {LEAST_RATIO:g}", _met(self.fast)),
            (*self._latency("50 %", 50), f"≤ {LONGEST_START:g} ms", _met(self.prompt)),
            (*self._latency("99 %", 99), "", ""),
        ]

    def _latency(self, share: str, percent: int) -> tuple[str, ...]:
        ours, floor = (percentile(values, percent) for values in (self.latency, self.floor_latency))
        return (f"commit to start when idle, ms, {share} within", f"{ours:.1f}", f"{floor:.1f}", f"{ours / floor:.1f}")


def percentile(seconds: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    return quantiles(seconds, n=100)[percent - 1] * 1000


def _met(passed: bool) -> str:
    return "yes" if passed else "no"
