"""People at work through what stands in front: each from an address of their own, as nginx limits what one address asks."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from tests.faults.traffic import KINDS, MODULES, UNHURRIED, Answer, Kind, Traffic, sign_in

ENVIRONMENT = {"SM_MODULES_ENABLED": MODULES, "SM_RATE_LIMITS": UNHURRIED}
"""Of the processes that they ask."""
CLIENTS = 16


def client_of(number: int, url: str, *, uds: str | None = None, kept: float = 0) -> httpx.AsyncClient:
    """The ``number``-th of them, asking at ``url``, or at the socket ``uds``.

    Each request has a connection of its own, unless an idle one is ``kept`` for some seconds: what ends an idle connection
    may do so in the moment in which it is used, and a browser then asks again, which these do not.
    """
    transport = httpx.AsyncHTTPTransport(
        local_address=None if uds else f"127.0.2.{1 + number}",
        uds=uds,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None if kept else 0, keepalive_expiry=kept),
    )
    return httpx.AsyncClient(base_url=url, transport=transport, timeout=60)


@asynccontextmanager
async def at_work(
    url: str,
    *,
    clients: int = CLIENTS,
    rate: float = 40,
    kinds: Sequence[Kind] = KINDS,
    uds: str | None = None,
    kept: float = 0,
) -> AsyncIterator[Traffic]:
    """``async with at_work(url) as traffic``: pages, files, lists, keyed and plain POSTs, up to ``rate`` a second in all.

    As many are under way at once as there are clients. When the block is left, all that was sent has been answered.
    """
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(client_of(number, url, uds=uds, kept=kept)) for number in range(clients)
        ]
        cookie = await sign_in(people[0])
        async with Traffic(people, cookie, rate=rate, kinds=kinds, at_once=clients) as traffic:
            yield traffic


def failed(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if not 200 <= answer.status < 400]


def tally(answers: Sequence[Answer]) -> str:
    """Such as ``0 of 1234 failed (823 GET, 411 POST)``, or what failed and how."""
    methods = ", ".join(f"{count} {method}" for method, count in sorted(_by_method(answers).items()))
    bad = failed(answers)
    how: Mapping[str, int] = Counter(f"{answer.kind.name} {answer.status} {answer.code}".strip() for answer in bad)
    return f"{len(bad)} of {len(answers)} failed ({methods})" + (f": {dict(how)}" if how else "")


def _by_method(answers: Sequence[Answer]) -> Mapping[str, int]:
    return Counter(answer.kind.method for answer in answers)
