"""Which ends of a call count against a host, and open its circuit breaker."""

from framework.circuit_breaker.circuit import Outcome
from framework.outgoing.errors import OutgoingTimeout, Refused, Unavailable

FAILING = frozenset({500, 502, 503, 504})
"""The service is not well. Any other status is an answer, 4xx above all: it says that our request is wrong. Neither
is 429 a failure: it is well, and asks for patience."""
FAIR = 1.0
"""Seconds. Where our own deadline left less to the service, that it did not answer says nothing about it."""


def verdict(end: int | BaseException, waited: float) -> Outcome:
    """``end`` is the status of the answer or what was raised instead; ``waited`` is how long the service had, in seconds."""
    match end:
        case int():
            return Outcome.FAILURE if end in FAILING else Outcome.SUCCESS
        case OutgoingTimeout():
            return Outcome.FAILURE if waited >= FAIR else Outcome.NOTHING
        case Refused() | Unavailable():
            return Outcome.FAILURE
        case _:
            # Cancelled, or a mistake of ours that never left this process: an address that is forbidden, a full pool.
            return Outcome.NOTHING
