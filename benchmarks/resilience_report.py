"""What was measured of limits, deadlines and the like, as rows of a table."""

from dataclasses import dataclass

from benchmarks.measure import Spread

HEADER = ("part", "with, µs", "without, µs", "costs, µs", "limit", "met")


@dataclass(frozen=True, slots=True)
class Cost:
    title: str
    ours: Spread
    """CPU microseconds a request."""
    floor: Spread
    difference: Spread
    limit: float | None

    @property
    def passed(self) -> bool:
        return self.limit is None or self.difference.median <= self.limit

    def row(self) -> tuple[str, ...]:
        limit, met = ("", "") if self.limit is None else (f"{self.limit:g}", "yes" if self.passed else "no")
        return (self.title, self.ours.text(0), self.floor.text(0), self.difference.text(0), limit, met)
