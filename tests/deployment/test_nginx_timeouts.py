"""nginx waits longer than the application gives itself, and what hangs all the same is an error with a name."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from time import monotonic

import httpx
import pytest
from framework.rungs import rungs
from framework.settings import Settings
from framework.timeouts import Configured

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import SHIPPED
from tests.faults.conftest import Report

DIRECTIVES = {
    "proxy.connect": ("proxy.conf", "proxy_connect_timeout"),
    "proxy.read": ("proxy.conf", "proxy_read_timeout"),
    "proxy.keep_alive": ("seamark.conf", "keepalive_timeout"),
}
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
KEY = {"idempotency-key": "01900000-0000-7000-8000-000000000000"}


@pytest.mark.parametrize("rung", DIRECTIVES)
def test_the_ladder_names_the_times_that_are_shipped(rung: str, make_settings: Callable[..., Settings]) -> None:
    file, directive = DIRECTIVES[rung]
    found = re.findall(rf"^\s*{directive} (\d+)(ms|s|m);", (SHIPPED / file).read_text(), re.MULTILINE)
    timeout = next(timeout for timeout in rungs if timeout.name == rung)
    configured = Configured(make_settings(), lambda settings_cls: settings_cls())
    assert [float(number) * UNITS[unit] for number, unit in found] == [timeout.seconds(configured)]


def test_the_files_cover_every_rung_of_the_proxy() -> None:
    assert {timeout.name for timeout in rungs if timeout.name.startswith("proxy.")} == DIRECTIVES.keys()


class Hung:
    """Two processes that take connections and requests, and answer nothing."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.connections = 0
        self.over = asyncio.Event()

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self.over.wait()
        writer.close()


@pytest.fixture
async def hung() -> AsyncIterator[Hung]:
    hung = Hung()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            server = await stack.enter_async_context(await asyncio.start_server(hung.serve, "127.0.0.1", 0))
            hung.ports.append(server.sockets[0].getsockname()[1])
        yield hung
        hung.over.set()


@pytest.mark.parametrize(
    ("method", "headers", "attempts"), [("GET", {}, 2), ("POST", {}, 1), ("POST", KEY, 2)], ids=["GET", "POST", "keyed"]
)
async def test_a_process_that_hangs_is_waited_for_and_then_left(
    hung: Hung, start_nginx: StartNginx, report: Report, method: str, headers: dict[str, str], attempts: int
) -> None:
    nginx = start_nginx(hung.ports, patience="1s")
    async with httpx.AsyncClient(base_url=nginx.url, timeout=20) as client:
        began = monotonic()
        answer = await client.request(method, "/api/contacts", headers=headers)
    took = monotonic() - began
    report(f"{method} to two hung processes: {answer.status_code} after {took:.1f} s, {hung.connections} of 1 s")
    assert (answer.status_code, answer.json()["code"]) == (504, "server.no_answer")
    assert hung.connections == attempts
    assert took >= attempts
