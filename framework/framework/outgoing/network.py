"""Dials the very address that was checked. Between a check of a URL and a connection that resolves the name once more,
the name may change its meaning (DNS rebinding)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore

from framework.outgoing.destinations import Destinations
from framework.outgoing.errors import Refused

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host name and a port to addresses, the preferred one first."""
type SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
MOST_ADDRESSES = 4


class Resolver:
    """The operating system's. In threads of its own: a name server that hangs holds these, and no other work in threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, "seamark-names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """What httpcore connects by. TLS stays on the host's name: httpcore asks for that of the connection it is given."""

    def __init__(
        self, destinations: Destinations, resolve: Resolve, dial: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._destinations = destinations
        self._resolve = resolve
        self._dial = dial or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        ends_at = asyncio.get_running_loop().time() + (60 if timeout is None else timeout)
        try:
            async with asyncio.timeout_at(ends_at):
                addresses = (await self._addresses(host, port))[:MOST_ADDRESSES]
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        while True:
            address, *addresses = addresses
            left = max(0.0, ends_at - asyncio.get_running_loop().time())
            try:
                # One that does not answer leaves as much time to each of the others.
                return await self._dial.connect_tcp(
                    address, port, left / (1 + len(addresses)), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError("no URL leads to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            # A name that does not exist will not exist in a second; a name server may have come back by then.
            raise Refused(host, f"name not resolved: {error}", transient=error.errno == socket.EAI_AGAIN) from error
        except UnicodeError as error:
            raise Refused(host, "this is no name that could be resolved", transient=False) from error
        if not addresses:
            raise Refused(host, "its name has no address", transient=False)
        self._destinations.check_addresses(host, port, addresses)
        return addresses
