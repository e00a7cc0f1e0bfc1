"""What nginx answers with files (SM064)."""

from collections.abc import Iterator

from framework.findings import Finding

from host.deployment.codes import SM064
from host.deployment.expected import Expected
from host.deployment.nginx.sites import EXACT, FIRM, PREFIX, Place, Site

HASHED = "/build/assets/main-0a1B2c3D.js"
CHANGING = "/build/favicon.svg"


def static(site: Site, expected: Expected) -> Iterator[Finding]:
    for place in site.places:
        yield from _folder(place)
    for server in site.servers:
        hashed, changing = site.choose(server, HASHED), site.choose(server, CHANGING)
        if hashed is not None and _serves_files(hashed) and not _for_ever(hashed):
            yield SM064.finding(
                f"{hashed.location.where}: files with a hash in their names are asked for again and again",
                hint='add_header Cache-Control "public, max-age=31536000, immutable"; for /build/assets/',
            )
        if changing is not None and _serves_files(changing) and _for_ever(changing):
            yield SM064.finding(
                f"{changing.location.where}: {changing.path} has files that change, and browsers keep them for ever",
                hint="immutable for /build/assets/ only",
            )


def _folder(place: Place) -> Iterator[Finding]:
    root, alias = place.one("root"), place.one("alias")
    if place.kind not in (EXACT, PREFIX, FIRM) or place.is_named:
        return
    own = place.path.strip("/")
    if root is not None and alias is None and own and _serves_files(place):
        folder = root.args[0].rstrip("/")
        # Vite's folder holds what is below /build/, and no folder of that name.
        if folder.endswith(f"/{own}") or (own.startswith("build") and folder.endswith("/dist")):
            yield SM064.finding(
                f"{root.where}: nginx adds the whole path to a root, so it looks for {folder}/{own}/…",
                hint=f"alias {folder}/; or a root without its last folder",
            )
    if alias is not None and place.kind != EXACT and place.path.endswith("/") != alias.args[0].endswith("/"):
        yield SM064.finding(
            f"{alias.where}: one of {place.path} and {alias.args[0]} ends in / and the other does not: what is beside the folder can be asked for",
            hint="both with / at the end",
        )


def _serves_files(place: Place) -> bool:
    return place.passes_to is None and (place.one("root") is not None or place.one("alias") is not None)


def _for_ever(place: Place) -> bool:
    expires = place.one("expires")
    values = [said.args[1] for said in place.all("add_header") if said.args[0].lower() == "cache-control"]
    return any("immutable" in value for value in values) or (expires is not None and expires.args == ("max",))
