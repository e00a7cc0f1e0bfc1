"""Where the processes of a machine listen: a Unix socket or its own addresses, because nginx is in front (SM063)."""

from collections.abc import Iterator, Sequence

from framework.findings import Finding

from host.deployment.codes import SM063

OPTIONS = ("--host", "--bind", "-b")
OWN = ("127.", "localhost", "[::1]", "::1", "unix:", "/", "@", "fd://")
"""Beginnings of what nobody from outside reaches."""


def listening(where: str, words: Sequence[str]) -> Iterator[Finding]:
    """``words``: of a command."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, _, value = word.partition("=")
        if option in OPTIONS:
            yield from bound(f"{where}: {option}", value or following)


def bound(where: str, address: str) -> Iterator[Finding]:
    """``address``: as its program writes it, perhaps with ``tcp://`` before it; a port alone is one at every address."""
    bare = address.removeprefix("tcp://")
    if not bare.startswith(OWN):
        yield SM063.finding(
            f"{where}: {address} is reached past nginx, by whoever can reach this machine",
            hint="a Unix socket, or 127.0.0.1",
        )
