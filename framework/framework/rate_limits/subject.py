"""Whose bucket a request takes from."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from framework.context import RequestContext
from framework.rate_limits.rule import Per

EVERYBODY = "everybody"
UNKNOWN = "unknown"
"""Those without an address, as behind a UNIX socket, are limited together."""


def subject(per: Per, scope: Scope, context: RequestContext) -> str:
    """The part of a key that tells one client from another.

    The session's id counts only while the session lives: ended ones, of which anybody may collect a drawer full, would
    be a fresh bucket each. Their digest stands for them, so Redis never holds what signs somebody in.
    """
    if per is Per.EVERYBODY:
        return EVERYBODY
    if context.principal is not None:
        if per is Per.PRINCIPAL:
            return context.principal.user_id.hex
        if per is Per.TOKEN and context.token is not None:
            return context.token.digest.hex()
    client = scope.get("client")
    return address_key(client[0]) if client else UNKNOWN


@lru_cache(4096)
def address_key(host: str) -> str:
    """An IPv4 address, or the network of 64 bits around an IPv6 one. What is no address is ``UNKNOWN``: it has been
    written by hand."""
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
