"""What holds where in a configuration of nginx."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from host.deployment.nginx.reading import Directive

UNITS = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
SIZES = {"": 1, "k": 1024, "m": 1_048_576, "g": 1_073_741_824}
EXACT, PREFIX, FIRM, PATTERN, PATTERN_OF_ANY_CASE = "=", "", "^~", "~", "~*"


@dataclass(frozen=True)
class Place:
    """A location with what is around it: http, server, perhaps another location."""

    around: tuple[Sequence[Directive], ...]
    server: Directive
    location: Directive

    @property
    def kind(self) -> str:
        return self.location.args[0] if len(self.location.args) > 1 else PREFIX

    @property
    def path(self) -> str:
        return self.location.args[-1]

    @property
    def is_named(self) -> bool:
        return self.path.startswith("@")

    def all(self, name: str) -> list[Directive]:
        """As nginx inherits: where an inner block says anything of it, the outer ones do not count."""
        for level in reversed(self.around):
            found = [directive for directive in level if directive.name == name]
            if found:
                return found
        return []

    def one(self, name: str) -> Directive | None:
        found = self.all(name)
        return found[-1] if found else None

    def header(self, name: str) -> Directive | None:
        """Which a process is sent."""
        sent = [said for said in self.all("proxy_set_header") if said.args[0].lower() == name.lower()]
        return sent[-1] if sent else None

    @cached_property
    def passes_to(self) -> Directive | None:
        found = [said for said in _flat(self.location.inside) if said.name == "proxy_pass"]
        return found[0] if found else None


@dataclass(frozen=True)
class Site:
    """An ``http`` block."""

    http: tuple[Directive, ...]

    @cached_property
    def servers(self) -> list[Directive]:
        return [said for said in self.http if said.name == "server" and said.block is not None]

    @cached_property
    def places(self) -> list[Place]:
        return [place for server in self.servers for place in self.places_of(server)]

    @cached_property
    def proxied(self) -> list[Place]:
        """Those whose requests a process answers."""
        return [place for place in self.places if place.passes_to is not None]

    @cached_property
    def maps(self) -> dict[str, Directive]:
        """By the variable that each makes."""
        return {said.args[1]: said for said in self.http if said.name == "map"}

    def places_of(self, server: Directive) -> list[Place]:
        return list(_places((self.http, server.inside), server))

    def upstream(self, place: Place) -> Directive | None:
        """The group of processes; ``None`` where an address is named, which has no kept connections."""
        assert place.passes_to is not None
        host = place.passes_to.args[0].partition("://")[2].partition("/")[0]
        return next((said for said in self.http if said.name == "upstream" and said.args == (host,)), None)

    def choose(self, server: Directive, path: str) -> Place | None:
        """The location that nginx takes for a path (ngx_http_core_module, "location")."""
        places = [place for place in self.places_of(server) if not place.is_named]
        exact = [place for place in places if place.kind == EXACT and place.path == path]
        prefixes = [place for place in places if place.kind in (PREFIX, FIRM) and path.startswith(place.path)]
        longest = max(prefixes, key=lambda place: len(place.path), default=None)
        if exact or (longest is not None and longest.kind == FIRM):
            return exact[0] if exact else longest
        return next((place for place in places if _matches(place, path)), longest)

    def leading_to(self, target: Place) -> list[tuple[Place, Directive]]:
        """The places whose ``error_page`` or ``try_files`` hands a request to this named one, and what says so."""
        return [
            (place, said)
            for place in self.places_of(target.server)
            for said in (*place.all("error_page"), *place.all("try_files"))
            if said.args[-1] == target.path
        ]


def _places(around: tuple[Sequence[Directive], ...], server: Directive) -> Iterator[Place]:
    for said in around[-1]:
        if said.name == "location":
            inner = (*around, said.inside)
            yield Place(inner, server, said)
            yield from _places(inner, server)


def _matches(place: Place, path: str) -> bool:
    if place.kind not in (PATTERN, PATTERN_OF_ANY_CASE):
        return False
    try:
        return bool(re.search(place.path, path, re.IGNORECASE if place.kind == PATTERN_OF_ANY_CASE else 0))
    except re.error:
        # PCRE has more than Python; such a location is not followed.
        return False


def _flat(block: Sequence[Directive]) -> Iterator[Directive]:
    """With what stands in an ``if``; other locations are places of their own."""
    for said in block:
        yield said
        if said.name != "location":
            yield from _flat(said.inside)


def seconds(text: str) -> float:
    """``1m30s``; without a unit they are seconds."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw]?)", text))


def size(text: str) -> int:
    """Bytes. Raises ``ValueError``."""
    unit = text[-1:].lower() if text[-1:].isalpha() else ""
    if unit not in SIZES:
        raise ValueError(f"{text} is no size")
    return int(text.removesuffix(text[-1:]) if unit else text) * SIZES[unit]
