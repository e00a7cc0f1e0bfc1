"""The one client for calls to other services: ``application.http``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from ssl import SSLContext
from typing import Unpack

import httpcore
import httpx
import structlog

from framework import tracing
from framework.circuit_breaker import Breakers
from framework.correlation import HEADER, correlation_id
from framework.outgoing.call import EXTENSION, Call
from framework.outgoing.destinations import Destinations
from framework.outgoing.errors import CircuitOpen, OutgoingError
from framework.outgoing.guard import Guard
from framework.outgoing.hosts import Hosts
from framework.outgoing.network import CheckedNetwork, Resolve, Resolver
from framework.outgoing.options import Options, headers_of
from framework.outgoing.retrying import Sleep, may_repeat, retrying
from framework.outgoing.translation import understood
from framework.settings import Settings
from framework.trace_context import trace_headers

log = structlog.get_logger()
CONNECTIONS, IDLE_CONNECTIONS, IDLE = 200, 50, 5.0
"""Of a process to all hosts, and how many are kept for how many seconds: less than the services that we call keep them,
which mostly is five, because a request on a connection that is just being closed is lost."""
REDIRECTS = 5
AGENT = f"Seamark/{version('seamark-framework')}"


class Outgoing:
    """Every call is bounded: in time by its deadline, in number by its host's bulkhead, in place by ``destinations``.

    Raises ``OutgoingError``. What a service answers is returned, whatever its status.
    """

    def __init__(
        self,
        settings: Settings,
        breakers: Breakers,
        destinations: Destinations,
        named: frozenset[str] = frozenset(),
        *,
        resolve: Resolve | None = None,
        dial: httpcore.AsyncNetworkBackend | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._breakers = breakers
        self._destinations = destinations
        self._sleep = sleep
        self._resolver = Resolver()
        self._network = CheckedNetwork(destinations, resolve or self._resolver, dial)
        self._hosts = Hosts(settings.outgoing_concurrency, named)
        self._opening = asyncio.Lock()
        self._opened: httpx.AsyncClient | None = None

    async def request(self, method: str, url: str, **options: Unpack[Options]) -> httpx.Response:
        """The answer, read to its end and of at most ``SM_OUTGOING_MAX_RESPONSE`` bytes."""
        return await self._answer(self._begin(method, url, options, self._settings.outgoing_max_response), options)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Unpack[Options]) -> AsyncIterator[httpx.Response]:
        """The answer as it comes, of any length. Retried like ``request`` until it begins, and then no more."""
        call = self._begin(method, url, options, None)
        response = await self._answer(call, options)
        try:
            with understood(call.host):
                yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        self._resolver.close()
        if self._opened is not None:
            await self._opened.aclose()

    def _begin(self, method: str, url: str, options: Options, most: int | None) -> Call:
        with understood("a URL that cannot be read"):
            return Call.begin(method, httpx.URL(url), options.get("timeout"), most, headers_of(options))

    async def _answer(self, call: Call, options: Options) -> httpx.Response:
        host = self._hosts.of(call.host)
        host.budget.pay_in()
        ask = partial(self._ask, call, options)
        try:
            return await (retrying(call, host, self._sleep)(ask) if may_repeat(call) else ask())
        except OutgoingError as error:
            # Of an open circuit, its transitions are logged: a line for each call would bury them.
            tell = log.debug if isinstance(error, CircuitOpen) else log.warning
            # Neither path nor query: some services are given their secrets there.
            tell("outgoing call failed", host=call.host, method=call.method, code=error.code, error=error.reason)
            raise

    async def _ask(self, call: Call, options: Options) -> httpx.Response:
        call.refuse_when_late()
        client = self._opened or await self._open()
        attributes = {"http.request.method": call.method, "server.address": call.host}
        with tracing.span(call.method, "client", attributes) as span:
            response = await self._send(client, call, options)
            if span is not None:
                span.set_attribute("http.response.status_code", response.status_code)
            return response

    async def _send(self, client: httpx.AsyncClient, call: Call, options: Options) -> httpx.Response:
        identity = correlation_id()
        with understood(call.host):
            request = client.build_request(
                call.method,
                call.url,
                params=options.get("params"),
                json=options.get("json"),
                content=options.get("content"),
                headers={**({HEADER: identity} if identity else {}), **trace_headers(), **headers_of(options)},
                extensions={EXTENSION: call},
            )
            follow = options.get("follow_redirects", False)
            return await client.send(request, stream=call.most is None, follow_redirects=follow)

    async def _open(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._opened is None:
                settings = self._settings
                # Reading the authorities' certificates takes longer than the loop may be held.
                tls = await asyncio.to_thread(tls_context, settings.outgoing_ca_file)
                pool = httpcore.AsyncConnectionPool(
                    tls, None, CONNECTIONS, IDLE_CONNECTIONS, IDLE, network_backend=self._network
                )
                timeouts = httpx.Timeout(
                    connect=settings.outgoing_connect_timeout,
                    read=settings.outgoing_read_timeout,
                    write=settings.outgoing_write_timeout,
                    pool=settings.outgoing_pool_timeout,
                )
                self._opened = httpx.AsyncClient(
                    transport=Guard(pool, self._destinations, self._hosts, self._breakers, timeouts),
                    headers={"User-Agent": AGENT},
                    # What a service sets for one person must not go out with the next one's call.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    max_redirects=REDIRECTS,
                    # Neither HTTP_PROXY nor a .netrc of this machine decides where calls go.
                    trust_env=False,
                )
        return self._opened


def tls_context(authorities: Path | None) -> SSLContext:
    """The public certificate authorities, and those in ``authorities``, a file in PEM form."""
    context = httpx.create_ssl_context(trust_env=False)
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context
