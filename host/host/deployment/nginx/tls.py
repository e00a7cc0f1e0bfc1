"""Whether people come by https (SM062)."""

from collections.abc import Iterator

from framework.findings import Finding

from host.deployment.codes import SM062
from host.deployment.expected import Expected
from host.deployment.nginx.reading import Directive
from host.deployment.nginx.sites import Site

WEAK = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
INSIDE = ("127.", "unix:", "localhost", "[::1]")
"""Beginnings of addresses at which nobody from outside arrives."""


def tls(site: Site, expected: Expected) -> Iterator[Finding]:
    for server in site.servers:
        listening = [said for said in server.inside if said.name == "listen"]
        encrypted = [said for said in listening if "ssl" in said.args]
        if encrypted:
            yield from _certificate(site, server)
            yield from _protocols(site, server)
        if any(place.server is server for place in site.proxied):
            yield from _in_the_clear(site, server, listening, encrypted)


def _certificate(site: Site, server: Directive) -> Iterator[Finding]:
    if not _of(site, server, "ssl_certificate") and not _of(site, server, "ssl_reject_handshake"):
        yield SM062.finding(
            f"{server.where}: has no certificate for TLS",
            hint="ssl_certificate and ssl_certificate_key, as in deploy/nginx/site.conf",
        )


def _protocols(site: Site, server: Directive) -> Iterator[Finding]:
    said = _of(site, server, "ssl_protocols")
    if not said:
        yield SM062.finding(
            f"{server.where}: without ssl_protocols, which before nginx 1.23.4 allows TLS 1.0 and 1.1",
            hint="include seamark/tls.conf;",
        )
    for protocols in said:
        if weak := sorted(WEAK & set(protocols.args)):
            yield SM062.finding(f"{protocols.where}: allows {', '.join(weak)}", hint="ssl_protocols TLSv1.2 TLSv1.3;")


def _in_the_clear(
    site: Site, server: Directive, listening: list[Directive], encrypted: list[Directive]
) -> Iterator[Finding]:
    """Plain http is for where a proxy in front ends TLS; then that proxy is named."""
    plain = [said for said in listening if said not in encrypted and not said.args[0].startswith(INSIDE)]
    if encrypted or _of(site, server, "ssl_certificate"):
        for said in plain:
            yield SM062.finding(
                f"{said.where}: serves the application without TLS as well",
                hint="listen … ssl; and send people from port 80 to https, as deploy/nginx/redirect.conf does",
            )
    elif (plain or not listening) and not _of(site, server, "set_real_ip_from"):
        where = plain[0].where if plain else f"{server.where}: without listen, so at port 80"
        yield SM062.finding(
            f"{where}: serves the application without TLS",
            hint="deploy/nginx/site.conf; or name the proxy that ends TLS in deploy/nginx/proxies.conf",
        )


def _of(site: Site, server: Directive, name: str) -> list[Directive]:
    own = [said for said in server.inside if said.name == name]
    return own or [said for said in site.http if said.name == name]
