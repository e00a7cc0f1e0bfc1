"""Whom a process hears of as the client (SM055)."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from framework.findings import Finding

from host.deployment.codes import SM055
from host.deployment.expected import Expected
from host.deployment.nginx.sites import Place, Site

WRITTEN_BY_NGINX = {"$remote_addr", "$scheme", "http", "https", '""', ""}
ANYBODY = {"0.0.0.0/0", "::/0"}
OWN = {"127.0.0.1", "::1"}
BELIEVED = ("X-Forwarded-For", "X-Forwarded-Proto")
"""By uvicorn and gunicorn, from ``SM_TRUSTED_PROXIES``."""
OTHERS = ("X-Real-IP", "Forwarded", "X-Forwarded-Host")


def clients(site: Site, expected: Expected) -> Iterator[Finding]:
    for place in site.proxied:
        for name in BELIEVED:
            yield from _is_set(site, place, name)
        for name in OTHERS:
            if place.header(name) is not None:
                yield from _is_set(site, place, name)
        for said in place.all("set_real_ip_from"):
            if said.args[0] in ANYBODY:
                yield SM055.finding(
                    f"{said.where}: anybody is believed about his address",
                    hint="set_real_ip_from the networks of your own proxies",
                )


def trusted(site: Site, proxies: str) -> Iterator[Finding]:
    """``proxies``: ``SM_TRUSTED_PROXIES`` of the processes on nginx' own machine, which it reaches by loopback."""
    try:
        networks = [ip_network(said.strip(), strict=False) for said in proxies.split(",") if said.strip()]
    except ValueError:
        # `*`, or what a process would refuse to start with.
        return
    for upstream in (said for said in site.http if said.name == "upstream"):
        for server in upstream.inside:
            host = server.args[0].rpartition(":")[0].strip("[]") if server.name == "server" else ""
            address = {"localhost": "127.0.0.1"}.get(host, host)
            if address in OWN and not any(ip_address(address) in network for network in networks):
                yield SM055.finding(
                    f"{server.where}: {server.args[0]} hears of nginx as {address}, and SM_TRUSTED_PROXIES is {proxies}: all clients have "
                    "one address",
                    hint=f"SM_TRUSTED_PROXIES with {address}, too",
                )


def _is_set(site: Site, place: Place, name: str) -> Iterator[Finding]:
    said = place.header(name)
    if said is None:
        assert place.passes_to is not None
        yield SM055.finding(
            f"{place.passes_to.where}: without {name}, so a process believes what the client wrote there",
            hint="include seamark/proxy.conf; a location with a proxy_set_header of its own has none of those around it",
        )
    elif not _is_own(site, said.args[-1]):
        yield SM055.finding(
            f"{said.where}: {name} has what the client wrote: {said.args[-1]}",
            hint="$remote_addr and $seamark_scheme; name proxies in front in deploy/nginx/proxies.conf",
        )


def _is_own(site: Site, value: str) -> bool:
    """Whether nginx knows it by itself. A map may take a header where it looks at who sent it."""
    if value in WRITTEN_BY_NGINX:
        return True
    if value not in site.maps:
        return False
    source = site.maps[value].args[0]
    return "$http_" not in source or "$realip_remote_addr" in source
