"""Where the processes of a machine listen: a Unix socket or an address of its own, because nginx is in front (SM063)."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from framework.findings import Finding

from host.deployment.codes import SM063

OPTIONS = ("--host", "--bind", "-b")
EVERYWHERE = {"", "*"}


def listening(where: str, words: Sequence[str]) -> Iterator[Finding]:
    """``words``: of a command."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, _, value = word.partition("=")
        if option in OPTIONS:
            yield from bound(f"{where}: {option}", value or following)


def bound(where: str, address: str) -> Iterator[Finding]:
    """``address``: as its program writes it, with or without ``tcp://`` and a port."""
    if not address.startswith(("unix:", "/", "@", "fd://")) and is_public(_host(address.removeprefix("tcp://"))):
        yield SM063.finding(
            f"{where}: {address} is reached past nginx, by whoever can reach this machine",
            hint="a Unix socket, 127.0.0.1, or an address of a network of your own",
        )


def _host(address: str) -> str:
    if address.isdigit():
        # A port, at every address.
        return ""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def is_public(host: str) -> bool:
    """Every address of the machine, or one that the internet knows. What a name stands for is not asked."""
    try:
        address = ip_address(host)
    except ValueError:
        return host in EVERYWHERE
    return address.is_unspecified or address.is_global
