"""The client as this installation's settings and modules want it."""

from collections.abc import Iterable
from contextlib import suppress

from framework.circuit_breaker import Breakers
from framework.outgoing.client import Outgoing
from framework.outgoing.destinations import Destinations
from framework.settings import Settings


def open_http(settings: Settings, breakers: Breakers, declared: Iterable[str]) -> Outgoing:
    """``declared`` hosts are named in metrics. Opens no connection yet."""
    readable: list[str] = []
    for entry in settings.outgoing_allowed:
        # What cannot be read is a finding of the boot's (SM043).
        with suppress(ValueError):
            Destinations.of([entry])
            readable.append(entry)
    destinations = Destinations.of(readable)
    return Outgoing(settings, breakers, destinations, frozenset((*destinations.names, *declared)))
