"""The proxy itself: what a fault test does to a connection, its two ends really see."""

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import pytest

from tests.faults.proxy import LOOPBACK, Connection, FaultProxy, Towards

type Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Echo:
    """A server that answers what it is told, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                self.heard += piece
                writer.write(piece)
        except ConnectionResetError:
            self.heard += b"!"
        self.ended.set()
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    async with server, FaultProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


@pytest.fixture
def dial(proxy: FaultProxy) -> Dial:
    return lambda: asyncio.open_connection(LOOPBACK, proxy.port)


async def test_it_hands_on_both_ways_and_both_ends(echo: Echo, dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"word")
    assert await reader.readexactly(4) == b"word"
    writer.write_eof()
    assert await reader.read() == b""
    await echo.ended.wait()


async def test_latency_is_added_in_each_direction(proxy: FaultProxy, dial: Dial) -> None:
    reader, writer = await dial()
    proxy.latency = 0.05
    began = monotonic()
    writer.write(b"word")
    await reader.readexactly(4)
    assert 0.1 <= monotonic() - began < 5


async def test_a_reset_is_an_error_for_both_ends(proxy: FaultProxy, echo: Echo, dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"word")
    await reader.readexactly(4)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await echo.ended.wait()
    assert echo.heard == b"word!"


async def test_a_cut_lets_just_so_many_bytes_arrive(proxy: FaultProxy, echo: Echo, dial: Dial) -> None:
    proxy.watch = lambda connection, towards, piece: connection.cut_after(2) if towards is Towards.SERVER else None
    reader, writer = await dial()
    writer.write(b"word")
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(4)
    await echo.ended.wait()
    assert echo.heard == b"wo"


async def test_what_is_swallowed_is_no_error_and_arrives_in_the_end(proxy: FaultProxy, echo: Echo, dial: Dial) -> None:
    seen = asyncio.Event()

    def swallow(connection: Connection, towards: Towards, piece: bytes) -> None:
        connection.swallow()
        seen.set()

    reader, writer = await dial()
    proxy.watch = swallow
    writer.write(b"word")
    await seen.wait()
    proxy.watch = None
    other_reader, other = await dial()
    other.write(b"other")
    assert await other_reader.readexactly(5) == b"other"
    assert echo.heard == b"other"
    proxy.release()
    assert await reader.readexactly(4) == b"word"


async def test_connections_are_told_apart_by_what_they_ask(proxy: FaultProxy, dial: Dial) -> None:
    for word in (b"GET a", b"BRPOP b"):
        reader, writer = await dial()
        writer.write(word)
        await reader.readexactly(len(word))
    (deaf,) = proxy.sending(b"BRPOP")
    assert deaf.last[Towards.SERVER] == b"BRPOP b"


async def test_who_refuses_may_accept_again_at_the_same_address(proxy: FaultProxy, dial: Dial) -> None:
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await dial()
    await proxy.accept()
    reader, writer = await dial()
    writer.write(b"word")
    assert await reader.readexactly(4) == b"word"


async def test_who_connects_while_it_begins_to_refuse_is_refused(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with socket.create_connection((LOOPBACK, proxy.port)) as late:
        late.setblocking(False)
        # The loop sees it, and takes it.
        for _ in range(2):
            await asyncio.sleep(0)
        await proxy.refuse()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(late, 1), 10)
    gc.collect()
    assert unraisable == []
    assert proxy.connections == []
