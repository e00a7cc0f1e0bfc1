"""Calls to other services: ``await application.http.request("GET", url)``. What becomes of one is ``client.py``.

Importing this costs nothing of httpx, which only what makes calls needs.
"""

from framework.outgoing.errors import (
    BadResponse,
    Busy,
    CircuitOpen,
    Degraded,
    ForbiddenAddress,
    OutgoingError,
    OutgoingTimeout,
    Refused,
    Unavailable,
)

__all__ = [
    "BadResponse",
    "Busy",
    "CircuitOpen",
    "Degraded",
    "ForbiddenAddress",
    "OutgoingError",
    "OutgoingTimeout",
    "Refused",
    "Unavailable",
]
