"""What operators see of breakers: a line in the log per transition, and metrics."""

import structlog
from prometheus_client import Counter, Gauge

from framework.circuit_breaker.circuit import State

log = structlog.get_logger()
TRANSITIONS = Counter(
    "seamark_circuit_breaker_transitions",
    "Transitions that this process caused, by the state they led to",
    ["name", "to"],
)
STATES = Gauge(
    "seamark_circuit_breakers", "Breakers that are not closed, as this process last heard", ["name", "state"]
)


def announce(name: str, label: str, to: State, wait: float = 0, *, shared: bool) -> None:
    """``wait`` is in seconds. One that all processes share is announced by the process whose call moved it."""
    TRANSITIONS.labels(label, to).inc()
    of = "all processes" if shared else "this process"
    if to is State.OPEN and not wait:
        log.info("circuit open: its probe was abandoned, the next call probes", breaker=name, of=of)
    elif to is State.OPEN:
        log.warning("circuit open: calls are refused", breaker=name, of=of, probe_in=round(wait, 3))
    elif to is State.HALF_OPEN:
        log.info("circuit half-open: one call probes", breaker=name, of=of)
    else:
        log.info("circuit closed: calls are let through again", breaker=name, of=of)


def show(label: str, before: State, after: State) -> None:
    for state, change in ((before, -1), (after, 1)):
        if before is not after and state is not State.CLOSED:
            STATES.labels(label, state).inc(change)
