"""What is logged of requests that were turned away: a line a second with counts, because a line each would be load as well."""

import asyncio
from collections import Counter

import structlog

from framework.bulkhead import SHED, Bulkhead, Reason

log = structlog.get_logger()
EVERY = 1.0


class ShedSummary:
    """Counts for a metric at once, and for one line ``EVERY`` second in which there was something to tell."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, bulkhead: Bulkhead, module: str, reason: Reason) -> None:
        SHED.labels(bulkhead.kind, module, reason).inc()
        if not self._counts:
            asyncio.get_running_loop().call_later(EVERY, self._tell)
        self._counts[f"{module}: {bulkhead.kind} of the {reason}"] += 1

    def _tell(self) -> None:
        log.warning("overloaded, requests were turned away", count=self._counts.total(), by=dict(self._counts))
        self._counts.clear()
