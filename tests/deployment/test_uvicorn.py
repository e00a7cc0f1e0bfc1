"""uvicorn's own processes, and the places where it may listen."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest
from framework.embedded.ports import free_port
from host.trial import Trial

from tests.deployment.managed import Managed, exercise, folder
from tests.faults.conftest import Report

__all__ = ["folder"]
PLAIN = (
    "uvicorn host.main:app --workers 2 --http host.protocol:Protocol --no-access-log --timeout-worker-healthcheck 30"
)
CLIENT = "203.0.113.9"


@pytest.mark.parametrize("command", ["sm web --workers 2", PLAIN], ids=["sm web", "uvicorn"])
async def test_serves_heals_scales_reloads_and_drains(
    prepared: Trial, report: Report, long: bool, command: str
) -> None:
    if command == PLAIN and not long:
        pytest.skip("`sm web` is the same with other defaults: --long")
    port = free_port()
    async with Managed(prepared, [*command.split(), "--port", str(port)], port) as uvicorn:
        await exercise(uvicorn, report)


async def test_at_a_unix_socket_a_proxy_says_who_asks(prepared: Trial, folder: Path) -> None:
    uds = folder / "web.sock"
    async with Managed(prepared, ["sm", "web", "--uds", str(uds), "--workers", "1"], uds=uds, count=0) as web:
        answer = await web.clients[0].get("/contacts", headers={"x-forwarded-for": CLIENT})
        assert answer.status_code == 200
        await web.until(lambda: '"path":"/contacts"' in web.log())
        asked = [json.loads(line) for line in web.log().splitlines() if '"path":"/contacts"' in line]
        assert [line["client"] for line in asked] == [CLIENT]


async def test_who_connected_just_before_the_end_is_answered(prepared: Trial) -> None:
    port = free_port()
    command = ["sm", "web", "--port", str(port), "--workers", "1"]
    async with Managed(prepared, command, port, count=0, told={"SM_DRAIN_DELAY": "0"}) as web:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # Who came later is answered: it was accepted, and so is not in a queue that somebody else could take it from.
        assert (await web.clients[0].get("/health")).status_code == 200
        web.signal(signal.SIGTERM)
        await web.until(lambda: not accepts(port))
        writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in head.lower()


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
