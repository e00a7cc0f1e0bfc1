"""How much one process takes on at once, and how much of that one module may have (M. Nygard, "Release It!": bulkheads)."""

from enum import StrEnum

from prometheus_client import Counter, Gauge

SHARE = 0.6
"""Of the whole, for one module: what hangs in one leaves room for the others."""
RESERVE = 16
"""Places above the bounds that only essential routes take."""

OCCUPIED = Gauge("seamark_places_taken", "Requests in flight and open streams.", ["kind", "module"])
SHED = Counter("seamark_requests_shed", "Requests turned away for overload.", ["kind", "module", "reason"])


class Reason(StrEnum):
    """Why there was no place."""

    PROCESS = "process"
    MODULE = "module"


class Bulkhead:
    """Counts the places taken by module, and lets nobody in beyond ``limit`` or its module's share of it.

    ``kind`` names it in metrics and logs. Of one event loop: nothing here awaits, so nothing here is locked.
    """

    def __init__(self, kind: str, limit: int, *, reserve: int = 0) -> None:
        self.kind = kind
        self.limit = limit
        self.module_limit = max(1, int(limit * SHARE))
        self.taken = 0
        self._reserve = reserve
        self._by_module: dict[str, int] = {}

    def enter(self, module: str, *, essential: bool = False) -> Reason | None:
        """Take a place, to be given back with ``leave``; or say why there is none."""
        reserve = self._reserve if essential else 0
        if self.taken >= self.limit + reserve:
            return Reason.PROCESS
        of_module = self._by_module.get(module)
        if of_module is None:
            of_module = 0
            OCCUPIED.labels(self.kind, module).set_function(lambda: self._by_module[module])
            for reason in Reason:
                # There before the first one is counted: alerts ask how much it grows.
                SHED.labels(self.kind, module, reason)
        if of_module >= self.module_limit + reserve:
            return Reason.MODULE
        self.taken += 1
        self._by_module[module] = of_module + 1
        return None

    def leave(self, module: str) -> None:
        self.taken -= 1
        self._by_module[module] -= 1
