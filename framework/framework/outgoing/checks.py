from collections.abc import Iterator
from ssl import SSLError, create_default_context

from framework.application import Application
from framework.codes import SM043
from framework.findings import Finding, Level
from framework.outgoing.destinations import Destinations, too_wide


def check_outgoing(application: Application) -> Iterator[Finding]:
    settings = application.settings
    for entry in settings.outgoing_allowed:
        try:
            destinations = Destinations.of([entry])
        except ValueError as error:
            yield SM043.finding(
                f"SM_OUTGOING_ALLOWED: {error}", hint="api.internal, api.internal:8080, 10.1.0.0/16, [fd00:1::5]:443"
            )
            continue
        for network in too_wide(destinations):
            yield SM043.finding(
                f"SM_OUTGOING_ALLOWED: {network} takes in where a cloud hands out credentials",
                hint="name the networks of your services, such as 10.1.0.0/16",
                level=Level.WARNING,
            )
    file = settings.outgoing_ca_file
    if file is not None:
        try:
            create_default_context().load_verify_locations(file)
        except (OSError, SSLError) as error:
            yield SM043.finding(
                f"SM_OUTGOING_CA_FILE: {file} holds no certificates: {type(error).__name__}",
                hint="a readable file that begins with -----BEGIN CERTIFICATE-----",
            )
