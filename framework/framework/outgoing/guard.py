"""What stands before each hop of a call, redirects included: may it go there, is there room, does the host answer at all."""

import asyncio
from typing import cast

import httpcore
import httpx

from framework.circuit_breaker import Breakers
from framework.circuit_breaker import CircuitOpen as BreakerOpen
from framework.circuit_breaker.permit import Permit
from framework.outgoing.answer import Answer, too_large
from framework.outgoing.call import Call, call_of
from framework.outgoing.destinations import PORTS, Destinations
from framework.outgoing.errors import CircuitOpen, ForbiddenAddress, OutgoingError
from framework.outgoing.hop import Body, Hop, Source, count
from framework.outgoing.hosts import Host, Hosts, name_of
from framework.outgoing.translation import translated
from framework.outgoing.verdict import FAILING


class Guard(httpx.AsyncBaseTransport):
    """``timeouts`` are those of one exchange; each is cut to what is left of the call."""

    def __init__(
        self,
        pool: httpcore.AsyncConnectionPool,
        destinations: Destinations,
        hosts: Hosts,
        breakers: Breakers,
        timeouts: httpx.Timeout,
    ) -> None:
        self._pool = pool
        self._destinations = destinations
        self._hosts = hosts
        self._breakers = breakers
        self._timeouts = timeouts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = call_of(request)
        host = self._hosts.of(name_of(request.url))
        try:
            self._check(request.url, call)
            await host.enter(min(self._timeouts.pool or 0, call.left))
        except OutgoingError as error:
            count(host, error)
            raise
        try:
            self._leave_behind(request, call)
            hop = Hop(call, host, await self._permit(host))
            try:
                return await self._exchange(request, hop)
            except BaseException as error:
                await hop.ended(error)
                raise
        except BaseException:
            host.leave()
            raise

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _check(self, url: httpx.URL, call: Call) -> None:
        name = name_of(url)
        if url.scheme not in PORTS:
            raise ForbiddenAddress(name, "only http and https are called")
        if url.userinfo:
            # People read `https://bank.example@evil.example` from the wrong end. Credentials go into a header.
            raise ForbiddenAddress(name, "a URL here names no user")
        if call.url.scheme == "https" and url.scheme == "http":
            raise ForbiddenAddress(name, "redirected from https to http")
        self._destinations.check_host(url.raw_host.decode("ascii"), url.port or PORTS[url.scheme])

    def _leave_behind(self, request: httpx.Request, call: Call) -> None:
        if call.leaves_home(request.url):
            # An API key that was meant for one host is not for whoever that host redirects to. An idempotency key is no
            # secret, and repeating the request relies on it.
            for name in call.own_headers - {"idempotency-key"}:
                request.headers.pop(name, None)

    async def _permit(self, host: Host) -> Permit:
        try:
            return await self._breakers.acquire(host.name, label=host.label)
        except BreakerOpen as error:
            refused = CircuitOpen(host.name, error.retry_after)
            count(host, refused)
            raise refused from None

    async def _exchange(self, request: httpx.Request, hop: Hop) -> Answer:
        call, url = hop.call, request.url
        call.refuse_when_late()
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions={**request.extensions, "timeout": self._within(call.left)},
        )
        with translated(hop.host.name):
            async with asyncio.timeout_at(call.ends_at):
                answered = await self._pool.handle_async_request(asked)
        headers = httpx.Headers(answered.headers)
        source = cast("Source", answered.stream)
        try:
            if call.most is not None and request.method != "HEAD" and _length(headers) > call.most:
                raise too_large(hop.host.name, call.most)
            if call.most is None or answered.status in FAILING:
                # Of a stream, the beginning is what shows that the service is well: it may last for hours.
                await hop.ended(answered.status)
        except BaseException:
            await source.aclose()
            raise
        body = Body(source, hop, answered.status, encoded="content-encoding" in headers)
        return Answer(answered.status, headers=headers, stream=body, extensions=answered.extensions)

    def _within(self, left: float) -> dict[str, float]:
        return {name: min(seconds or left, left) for name, seconds in self._timeouts.as_dict().items()}


def _length(headers: httpx.Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() else 0
