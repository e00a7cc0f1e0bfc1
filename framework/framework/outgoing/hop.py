"""One request on the wire: the place it holds at its host, its permit, and how it ended, told once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import httpx

from framework.circuit_breaker.circuit import Outcome
from framework.circuit_breaker.permit import Permit
from framework.outgoing.call import Call
from framework.outgoing.errors import OutgoingError
from framework.outgoing.hosts import Host
from framework.outgoing.metrics import CALLS, SECONDS
from framework.outgoing.translation import translated
from framework.outgoing.verdict import verdict

SLICE = 4096
"""Bytes of an encoded body that are decoded at a time: it may unpack to a thousand times as many."""


class Hop:
    def __init__(self, call: Call, host: Host, permit: Permit) -> None:
        self.call, self.host = call, host
        self._permit = permit
        self._began = asyncio.get_running_loop().time()
        self._told = False

    async def ended(self, end: int | BaseException) -> None:
        """With this status, or by this exception. What is said later changes nothing."""
        if self._told:
            return
        self._told = True
        waited = asyncio.get_running_loop().time() - self._began
        count(self.host, end)
        if not isinstance(end, asyncio.CancelledError):
            SECONDS.labels(self.host.label).observe(waited)
        match verdict(end, waited):
            case Outcome.SUCCESS:
                await self._permit.succeeded()
            case Outcome.FAILURE:
                await self._permit.failed()
            case Outcome.NOTHING:
                self._permit.abandoned()


def count(host: Host, end: int | BaseException) -> None:
    CALLS.labels(host.label, _named(end)).inc()


def _named(end: int | BaseException) -> str:
    """``2xx``, ``timeout``, ``refused``, …: few, so that they can be a label."""
    if isinstance(end, int):
        return f"{end // 100}xx"
    if isinstance(end, OutgoingError):
        return end.code.rpartition(".")[2]
    return "cancelled" if isinstance(end, asyncio.CancelledError | GeneratorExit) else "error"


class Source(Protocol):
    """httpcore's body of a response."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Body(httpx.AsyncByteStream):
    """Reads what is left of a response, within what is left of the call. Closing it gives the place at the host back."""

    def __init__(self, source: Source, hop: Hop, status: int, *, encoded: bool) -> None:
        self._source, self._hop = source, hop
        self._status, self._encoded = status, encoded
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._source)
        while (piece := await self._next(pieces)) is not None:
            if self._encoded:
                for start in range(0, len(piece), SLICE):
                    yield piece[start : start + SLICE]
            else:
                yield piece
        await self._hop.ended(self._status)

    async def aclose(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            await self._source.aclose()
            # The service has answered; that nobody wanted all of it is not its fault.
            await self._hop.ended(self._status)
        except BaseException as error:
            await self._hop.ended(error)
            raise
        finally:
            self._hop.host.leave()

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            with translated(self._hop.host.name):
                # A service that says a little now and then keeps within each read's time, and would never end.
                async with asyncio.timeout_at(self._hop.call.ends_at):
                    return await anext(pieces, None)
        except BaseException as error:
            await self._hop.ended(error)
            raise
