"""Slow clients hold nginx, and no process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.deployment.conftest import StartNginx
from tests.deployment.replica import Replica

LARGE = 4_194_304


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with Replica() as replica:
        yield replica


async def test_a_body_that_does_not_come_is_waited_for_by_nginx_alone(
    start_nginx: StartNginx, replica: Replica
) -> None:
    shorter = {"seamark.conf": ("client_body_timeout 15s;", "client_body_timeout 1s;")}
    nginx = start_nginx([replica.port], changes=shorter)
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(b"POST /api/contacts HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf a body")
        # nginx hangs up, with 408 or without a word.
        await reader.read()
        writer.close()
        while not nginx.access.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    assert '"status":408' in nginx.access.read_text()
    assert replica.requests == []


async def test_a_body_in_small_pieces_reaches_a_process_as_a_whole(start_nginx: StartNginx, replica: Replica) -> None:
    nginx = start_nginx([replica.port])
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(
            b"POST /api/contacts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 20\r\n\r\n"
        )
        for _ in range(20):
            assert replica.requests == []
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert len(replica.requests) == 1


async def test_an_answer_that_nobody_reads_is_off_the_process_at_once(start_nginx: StartNginx) -> None:
    taken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * LARGE)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        taken.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        nginx = start_nginx([server.sockets[0].getsockname()[1]])
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port, limit=1024)
        writer.write(b"GET /api/contacts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            await taken.wait()
            # And none of it is lost.
            assert (await reader.read()).count(b"x") >= LARGE
        writer.close()
