"""Where calls may go: the public internet at the ports of HTTP, and what ``SM_OUTGOING_ALLOWED`` names (OWASP ASVS 1.3.6)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Self

from framework.outgoing.errors import ForbiddenAddress
from framework.outgoing.public_addresses import METADATA, Address, Network, is_own, is_public

PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*").fullmatch
# What C's inet_aton takes for an address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1 (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)").fullmatch
_ENTRY = re.compile(r"(?P<bracketed>\[.+\])(:(?P<port6>[0-9]+))?|(?P<rest>[^:]+)(:(?P<port>[0-9]+))?|(?P<plain6>.+)")


@dataclass(frozen=True, slots=True)
class Destinations:
    """``ports`` are those that need no entry of their own."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()
    ports: frozenset[int] = frozenset(PORTS.values())

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """Each is a host, a network or an address, with or without a port (``[fd00::/8]:8080``). Raises ``ValueError``."""
        hosts, networks = set(), []
        for entry in entries:
            place, port = _read(entry)
            if isinstance(place, str):
                hosts.add((place, port))
            else:
                networks.append((place, port))
        return cls(frozenset(hosts), tuple(networks))

    @property
    def names(self) -> Iterator[str]:
        """The hosts that are named one by one."""
        yield from (host if port is None else f"{host}:{port}" for host, port in self.hosts)
        for network, port in self.networks:
            if network.num_addresses == 1:
                address = network.network_address
                shown = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
                yield shown if port is None else f"{shown}:{port}"

    def check_host(self, host: str, port: int) -> None:
        """What can be said before its name is resolved. ``host`` is in ASCII, as it is in the request.

        Raises ``ForbiddenAddress``.
        """
        host = normal(host)
        if (address := _address(host)) is not None:
            self.check_addresses(host, port, [str(address)])
        elif _NUMBER(host):
            raise ForbiddenAddress(host, "an address is written as four decimal numbers")
        elif not _NAME(host):
            raise ForbiddenAddress(host, "this is no host name")
        elif port not in self.ports and (host, port) not in self.hosts and port not in self._network_ports:
            raise ForbiddenAddress(host, f"port {port} is not one of those that may be called")

    def check_addresses(self, host: str, port: int, addresses: Iterable[str]) -> None:
        """Raises ``ForbiddenAddress`` if one of ``addresses`` may not be called: who mixes them is up to something."""
        for text in addresses:
            address = _address(text)
            if address is None or not self._permits(normal(host), port, address):
                raise ForbiddenAddress(host, f"port {port} of {text} may not be called")

    def _permits(self, host: str, port: int, address: Address) -> bool:
        if any(address in network and self._is_port(port, own) for network, own in self.networks):
            return True
        usual = port in self.ports
        if (host, port) in self.hosts or (usual and (host, None) in self.hosts):
            return is_public(address) or is_own(address)
        return usual and is_public(address)

    def _is_port(self, port: int, own: int | None) -> bool:
        return port in self.ports if own is None else port == own

    @property
    def _network_ports(self) -> set[int | None]:
        return {port for _, port in self.networks}


def normal(host: str) -> str:
    return host.lower().removesuffix(".").strip("[]")


def too_wide(destinations: Destinations) -> Iterator[Network]:
    """Networks that let a request reach what hands out this machine's credentials."""
    for network, _ in destinations.networks:
        if network.num_addresses > 1 and any(address in network for address in METADATA):
            yield network


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # fe80::1%eth0: what a zone means is this machine's affair, not a URL's (RFC 6874).
    return None if isinstance(address, IPv6Address) and address.scope_id else address


def _read(entry: str) -> tuple[str | Network, int | None]:
    parts = _ENTRY.fullmatch(entry.strip())
    if parts is None:
        raise ValueError(f"{entry} is no host, host:port or network")
    place = normal(parts["bracketed"] or parts["rest"] or parts["plain6"])
    number = parts["port6"] or parts["port"]
    port = None if number is None else int(number)
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{entry} names no port")
    try:
        return ip_network(place), port
    except ValueError:
        if _NUMBER(place) or not _NAME(place):
            raise ValueError(f"{entry} is no host, host:port or network") from None
        return place, port
