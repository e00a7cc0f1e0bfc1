"""Pauses of no rhythm, so that nothing falls into step with what looks every so often."""

from collections.abc import Iterator
from random import Random

LEAST = 0.02
MOST = 0.12


def pauses(count: int) -> Iterator[float]:
    """Seconds; the same ones in every run."""
    source = Random(count)  # noqa: S311 - no secret
    return (source.uniform(LEAST, MOST) for _ in range(count))
