"""What is asked of nginx' files: deploy/nginx, and any nginx.conf below deploy/."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.expected import Expected
from host.deployment.nginx.behind import Behind, Told
from host.deployment.nginx.clients import clients, trusted
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
    sites = [(path.relative_to(clone).as_posix(), Site(directives)) for path, directives in reading.sites()]
    found = [*reading.findings, *options(reading)]
    usual = Behind("", Expected(modules, {}))
    told = Told(clone, modules)
    for file, site in sites:
        by_defaults = _asked(site, usual)
        for behind in told.behind(file) or [usual]:
            asked = _asked(site, behind)
            found += [finding if finding in by_defaults else behind.named(finding) for finding in asked]
    # What is written once counts in many places.
    yield from dict.fromkeys(found)


def _asked(site: Site, behind: Behind) -> list[Finding]:
    found = [finding for asked in ASKED for finding in asked(site, behind.expected)]
    return found if behind.proxies is None else [*found, *trusted(site, behind.proxies)]
