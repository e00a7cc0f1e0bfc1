"""What is logged of requests that were turned away: a line a second with counts, because a line each would be load as well."""

import asyncio
from collections import Counter

import structlog

from framework.bulkhead import SHED, Bulkhead, Reason

log = structlog.get_logger()
EVERY = 1.0
"""Seconds."""


class ShedSummary:
    """Counts, and tells a metric and the log of it once a second, as long as there is something to tell."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, Reason]] = Counter()

    def note(self, bulkhead: Bulkhead, module: str, reason: Reason) -> None:
        if not self._counts:
            asyncio.get_running_loop().call_later(EVERY, self._tell)
        self._counts[bulkhead.kind, module, reason] += 1

    def _tell(self) -> None:
        for labels, count in self._counts.items():
            SHED.labels(*labels).inc(count)
        by = {f"{module}: {kind} of the {reason}": count for (kind, module, reason), count in self._counts.items()}
        log.warning("overloaded, requests were turned away", count=self._counts.total(), by=by)
        self._counts.clear()
