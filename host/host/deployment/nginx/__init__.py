"""What is asked of nginx' files: deploy/nginx, and any nginx.conf below deploy/."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.expected import Expected
from host.deployment.nginx.clients import clients
from host.deployment.nginx.connections import connections
from host.deployment.nginx.limits import limits
from host.deployment.nginx.options import options
from host.deployment.nginx.reading import Reading
from host.deployment.nginx.sites import Site
from host.deployment.nginx.static import static
from host.deployment.nginx.times import times
from host.deployment.nginx.tls import tls

FILES = ("deploy/nginx/*.conf", "deploy/**/nginx.conf", "deploy/compose/*.conf")
ASKED = (times, limits, clients, connections, tls, static)


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    reading = Reading(clone)
    sites = [Site(directives) for directives in reading.sites()]
    expected = Expected(modules, {})
    found = [*reading.findings, *options(reading)]
    for site in sites:
        for asked in ASKED:
            found += asked(site, expected)
    # What is written once counts in many places.
    yield from dict.fromkeys(found)
