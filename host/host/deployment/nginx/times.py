"""For how long a process is waited for, and how much it is sent (SM050, SM051)."""

from collections.abc import Iterator

from framework.findings import Finding

from host.deployment.codes import SM050, SM051
from host.deployment.expected import Expected
from host.deployment.nginx.sites import Place, Site, seconds, size

DEFAULT = "60s"
"""Of each of them (ngx_http_proxy_module, ngx_http_upstream_module)."""
DEFAULT_BODY = "1m"
UNLIMITED = "0"


def times(site: Site, expected: Expected) -> Iterator[Finding]:
    for place in site.proxied:
        yield from _waits(place, expected)
        yield from _idle(site, place, expected)
        yield from _body(site, place, expected)


def _waits(place: Place, expected: Expected) -> Iterator[Finding]:
    read, where = _said(place, "proxy_read_timeout")
    connect, _ = _said(place, "proxy_connect_timeout")
    yield from expected.out_of_order(where, {"proxy.read": read, "proxy.connect": connect})
    told = expected.settings.proxy_read_timeout
    if "SM_PROXY_READ_TIMEOUT" in expected.environment and read < told:
        yield SM050.finding(
            f"{where}: nginx waits {read:g} s for an answer, and SM_PROXY_READ_TIMEOUT says {told:g}",
            hint="the same in both",
        )
    send, where = _said(place, "proxy_send_timeout")
    if send > read:
        yield SM050.finding(
            f"{where}: a process that takes nothing of a request is waited for longer ({send:g} s) than for its answer ({read:g} s)",
            hint="proxy_send_timeout at most proxy_read_timeout; unset it is 60s",
        )


def _idle(site: Site, place: Place, expected: Expected) -> Iterator[Finding]:
    upstream = site.upstream(place)
    if upstream is None or not any(said.name == "keepalive" for said in upstream.inside):
        return
    said = next((said for said in upstream.inside if said.name == "keepalive_timeout"), None)
    where = said.where if said else f"{upstream.where}: without keepalive_timeout"
    yield from expected.out_of_order(where, {"proxy.keep_alive": seconds(said.args[0] if said else DEFAULT)})


def _said(place: Place, name: str) -> tuple[float, str]:
    said = place.one(name)
    if said is not None:
        return seconds(said.args[0]), said.where
    assert place.passes_to is not None
    return seconds(DEFAULT), f"{place.passes_to.where}: without {name}"


def _body(site: Site, place: Place, expected: Expected) -> Iterator[Finding]:
    said = place.one("client_max_body_size")
    text = said.args[0] if said else DEFAULT_BODY
    where = said.where if said else f"{place.location.where}: without client_max_body_size"
    allowed = _largest(site, place, expected)
    if text == UNLIMITED or size(text) > allowed:
        yield SM051.finding(
            f"{where}: {place.path} takes {'bodies of any size' if text == UNLIMITED else text}, and no route there more than {allowed} bytes",
            hint=f"client_max_body_size {allowed}; and a location of its own for a route that takes more",
        )
    elif size(text) < allowed:
        yield SM051.finding(
            f"{where}: {place.path} takes {text}, and a route there up to {allowed} bytes",
            hint=f"client_max_body_size {allowed}; in a location of its own",
        )


def _largest(site: Site, place: Place, expected: Expected) -> int:
    """Bytes that some route in this place takes, or in those from which it is reached."""
    own = [place] if not place.is_named else [leading for leading, _ in site.leading_to(place)]
    return max(
        (
            size
            for path, size in expected.bodies.items()
            if (chosen := site.choose(place.server, path)) and any(chosen.location is one.location for one in own)
        ),
        default=expected.settings.max_body,
    )
