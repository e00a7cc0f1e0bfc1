"""A TCP proxy on loopback that does to connections what networks do: delay, swallow, cut and reset them."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Self

LOOPBACK = "127.0.0.1"
# Closed with this, a socket sends RST instead of FIN.
NO_LINGER = struct.pack("ii", 1, 0)


class Towards(Enum):
    SERVER = "what the client says"
    CLIENT = "what the server answers"


class Side:
    """One of a connection's two sockets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        with suppress(OSError):
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.writer.transport.abort()


class Connection:
    def __init__(self, proxy: "FaultProxy", client: Side, server: Side) -> None:
        self.proxy = proxy
        self.last: dict[Towards, bytes] = dict.fromkeys(Towards, b"")
        """The latest piece of each direction, by which connections are told apart."""
        self._sides = {Towards.CLIENT: client, Towards.SERVER: server}
        self._left: dict[Towards, int | None] = dict.fromkeys(Towards, None)
        self._open = asyncio.Event()
        self._open.set()

    def swallow(self) -> None:
        """Nothing arrives any more, and nobody is told. ``release`` delivers what was sent meanwhile, as TCP would."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def reset(self) -> None:
        """Both sides get an RST."""
        for side in self._sides.values():
            side.reset()

    def cut_after(self, count: int, towards: Towards = Towards.SERVER) -> None:
        """Once ``count`` more bytes have been delivered ``towards``: the client gets an RST, the server the end."""
        self._left[towards] = count

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for towards in Towards:
                group.create_task(self._pump(towards))

    async def _pump(self, towards: Towards) -> None:
        source = self._sides[Towards.CLIENT if towards is Towards.SERVER else Towards.SERVER].reader
        target = self._sides[towards].writer
        try:
            while piece := await source.read(65536):
                self.last[towards] = piece
                if self.proxy.watch is not None:
                    self.proxy.watch(self, towards, piece)
                if self.proxy.latency:
                    await asyncio.sleep(self.proxy.latency)
                await self._open.wait()
                left = self._left[towards]
                target.write(piece if left is None else piece[:left])
                await target.drain()
                if left is not None:
                    self._left[towards] = left - len(piece)
                    if left <= len(piece):
                        self._cut()
            target.write_eof()
        except OSError:
            self.reset()

    def _cut(self) -> None:
        # The server is to have all that came before, which an RST might overtake.
        self._sides[Towards.SERVER].writer.close()
        self._sides[Towards.CLIENT].reset()


class FaultProxy:
    """``async with FaultProxy(port) as proxy``: whoever connects to ``proxy.port`` reaches ``port``, while it is allowed.

    What is set here holds for all connections, those to come too; one alone is in ``connections``.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self.latency = 0.0
        """Seconds by which every piece is late, in both directions."""
        self.watch: Callable[[Connection, Towards, bytes], None] | None = None
        """Called with each piece before it is handed on, to do something to its connection just then."""
        self._swallowing = False
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._listener: asyncio.Server | None = None

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections.values())

    def sending(self, words: bytes) -> Iterator[Connection]:
        """Those whose client last sent ``words``, such as ``b"BRPOP"``."""
        return (connection for connection in self.connections if words in connection.last[Towards.SERVER])

    def swallow(self) -> None:
        """Connections are made, and nothing arrives on any."""
        self._swallowing = True
        for connection in self.connections:
            connection.swallow()

    def release(self) -> None:
        self._swallowing = False
        for connection in self.connections:
            connection.release()

    def reset(self) -> None:
        for connection in self.connections:
            connection.reset()

    async def refuse(self) -> None:
        """As if no server were there; ``accept`` ends it."""
        assert self._listener is not None
        loop = asyncio.get_running_loop()
        for listening in self._listener.sockets:
            loop.remove_reader(listening.fileno())
        # Who has been accepted becomes a connection first: a server that is closed in between trips over it (Python 3.13.0).
        await asyncio.sleep(0)
        self._listener.close()
        self.reset()

    async def accept(self) -> None:
        self._listener = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.refuse()
        for task in list(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Side(reader, writer)
        try:
            server = Side(*await asyncio.open_connection(LOOPBACK, self.server_port))
        except OSError:
            client.reset()
            return
        connection = Connection(self, client, server)
        assert self._listener is not None
        if not self._listener.is_serving():
            connection.reset()
            return
        if self._swallowing:
            connection.swallow()
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = connection
        try:
            await connection.run()
        finally:
            del self._connections[task]
            for side in (client, server):
                side.writer.close()
