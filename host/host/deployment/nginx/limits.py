"""What is refused, and what is repeated (SM061, SM067)."""

from collections.abc import Iterator

from framework.findings import Finding

from host.deployment.codes import SM061, SM067
from host.deployment.expected import Expected
from host.deployment.nginx.sites import Place, Site

BY_NETWORK = "$binary_remote_addr"
KEYED = "$http_idempotency_key"
TOO_MANY = "429"


def limits(site: Site, expected: Expected) -> Iterator[Finding]:
    for place in site.places:
        if place.all("limit_req"):
            yield from _key(site, place)
            yield from _answer(site, place)
    for place in site.proxied:
        yield from _repeats(site, place)


def _key(site: Site, place: Place) -> Iterator[Finding]:
    """One address of IPv6 is one of the 2**64 that a subscriber has, so the address itself is no key."""
    used = {
        arg.removeprefix("zone=") for said in place.all("limit_req") for arg in said.args if arg.startswith("zone=")
    }
    for said in site.http:
        if said.name != "limit_req_zone" or said.args[1].removeprefix("zone=").partition(":")[0] not in used:
            continue
        key = said.args[0]
        if key not in site.maps or site.maps[key].args[0] != BY_NETWORK or len(site.maps[key].inside) < 2:
            yield SM067.finding(
                f"{said.where}: counts by {key}, and the application by the address, of IPv6 by its first 64 bits",
                hint="limit_req_zone $seamark_client …; as deploy/nginx/names.conf makes it",
            )


def _answer(site: Site, place: Place) -> Iterator[Finding]:
    limit, status = place.all("limit_req")[0], place.one("limit_req_status")
    if status is None or status.args[0] != TOO_MANY:
        where = status.where if status else f"{limit.where}: without limit_req_status"
        yield SM067.finding(
            f"{where}: who is refused hears 503 of nginx, and 429 of the application", hint="limit_req_status 429;"
        )
    pages = [said.args[-1] for said in place.all("error_page") if TOO_MANY in said.args[:-1]]
    answer = next((other for other in site.places_of(place.server) if pages and other.path == pages[-1]), None)
    told = {said.args[0].lower() for said in answer.all("add_header")} if answer else set()
    media_type = answer.one("default_type") if answer else None
    if "retry-after" not in told or media_type is None or media_type.args[0] != "application/problem+json":
        yield SM067.finding(
            f"{limit.where}: who is refused gets no problem document, or none with Retry-After",
            hint="error_page 429 @problem; as in deploy/nginx/api.conf",
        )


def _repeats(site: Site, place: Place) -> Iterator[Finding]:
    said = place.one("proxy_next_upstream")
    if said is None or "non_idempotent" not in said.args:
        return
    leading = site.leading_to(place) if place.is_named else []
    if not leading or not all(_is_keyed(source, page.args[:-1]) for source, page in leading):
        yield SM061.finding(
            f"{said.where}: {place.path} repeats POST and PATCH at another process, with and without an Idempotency-Key",
            hint="non_idempotent only where requests come by a test of $http_idempotency_key, as in deploy/nginx/api.conf",
        )


def _is_keyed(place: Place, statuses: tuple[str, ...]) -> bool:
    """Whether this status is only given to what carries a key."""
    returned = [
        (test.args, said.args[0])
        for test in place.location.inside
        if test.name == "if"
        for said in test.inside
        if said.name == "return" and said.args[0] in statuses
    ]
    bare = [said for said in place.location.inside if said.name == "return" and said.args[0] in statuses]
    return bool(returned) and not bare and all(condition == (KEYED,) for condition, _ in returned)
