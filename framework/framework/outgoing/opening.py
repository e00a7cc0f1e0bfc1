"""The client as this installation's settings and modules want it."""

from contextlib import suppress
from itertools import chain

from framework.application import Application
from framework.outgoing.client import Outgoing
from framework.outgoing.destinations import Destinations


def open_http(application: Application) -> Outgoing:
    """Opens no connection yet."""
    readable: list[str] = []
    for entry in application.settings.outgoing_allowed:
        # What cannot be read is a finding of the boot's (SM043).
        with suppress(ValueError):
            Destinations.of([entry])
            readable.append(entry)
    destinations = Destinations.of(readable)
    declared = chain.from_iterable(module.outgoing_hosts for module in application.modules)
    return Outgoing(
        application.settings, application.breakers, destinations, frozenset((*destinations.names, *declared))
    )
