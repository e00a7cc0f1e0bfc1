"""What does not end by itself: streams, WebSockets, kept connections (SM068)."""

from collections.abc import Iterator

from framework.findings import Finding

from host.deployment.codes import SM068
from host.deployment.expected import Expected
from host.deployment.nginx.sites import Place, Site

GENERAL = ("/", "/api/app")
"""Where no location is a stream's own."""
UPGRADE = "$http_upgrade"


def connections(site: Site, expected: Expected) -> Iterator[Finding]:
    for place in site.proxied:
        yield from _upgrades(site, place)
        yield from _version(place)
        yield from _buffering(site, place)


def _upgrades(site: Site, place: Place) -> Iterator[Finding]:
    assert place.passes_to is not None
    connection, upgrade = place.header("Connection"), place.header("Upgrade")
    value = connection.args[-1] if connection else ""
    if upgrade is None or connection is None or upgrade.args[-1] != UPGRADE:
        yield SM068.finding(
            f"{place.passes_to.where}: without Upgrade and Connection no WebSocket gets through, and no connection is kept",
            hint="proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $seamark_connection;",
        )
    elif value.lower() in ("upgrade", UPGRADE, "$http_connection"):
        yield SM068.finding(
            f"{connection.where}: Connection is {value} in every request, so no connection to a process is kept",
            hint="proxy_set_header Connection $seamark_connection; as deploy/nginx/names.conf makes it",
        )
    elif value not in site.maps or site.maps[value].args[0] != UPGRADE or not _keeps(site, value):
        yield SM068.finding(
            f"{connection.where}: Connection is {value}, which ends a connection after each request or never hands one over",
            hint='map $http_upgrade: default upgrade; "" "";',
        )


def _keeps(site: Site, variable: str) -> bool:
    said = {entry.name: entry.args for entry in site.maps[variable].inside}
    return said.get("default") == ("upgrade",) and said.get("") == ("",)


def _version(place: Place) -> Iterator[Finding]:
    assert place.passes_to is not None
    said = place.one("proxy_http_version")
    if said is None or said.args[0] == "1.0":
        where = said.where if said else f"{place.passes_to.where}: without proxy_http_version"
        yield SM068.finding(
            f"{where}: HTTP/1.0 keeps no connection and knows no WebSocket", hint="proxy_http_version 1.1;"
        )


def _buffering(site: Site, place: Place) -> Iterator[Finding]:
    general = {id(chosen.location) for path in GENERAL if (chosen := site.choose(place.server, path))}
    said = place.one("proxy_buffering")
    if said is not None and said.args[0] == "off" and (id(place.location) in general or place.is_named):
        yield SM068.finding(
            f"{said.where}: whoever reads slowly holds a process, because nginx holds nothing back for {place.path}",
            hint="proxy_buffering on; a stream says X-Accel-Buffering: no of itself",
        )
    ignored = place.one("proxy_ignore_headers")
    if ignored is not None and "x-accel-buffering" in {arg.lower() for arg in ignored.args}:
        yield SM068.finding(
            f"{ignored.where}: streams of events are held back",
            hint="remove X-Accel-Buffering from proxy_ignore_headers",
        )
