"""A process that is told to end fails nobody: it says so, serves on, ends what does not end by itself, finishes the rest."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
import websockets
from framework.drain import AGAIN
from host.trial import Trial

from tests.deployment.clients import ENVIRONMENT
from tests.deployment.conftest import StartNginx
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.web import SM_WEB, UVICORN, Replicas

DELAY = 3
"""Seconds."""
BUSY_MACHINE = 10.0
"""Seconds that it may take for what takes none: far fewer than ``SM_DRAIN_TIMEOUT``."""

SHORT = {"SM_SILENCED_CHECKS": "SM045=shorter than a request may take, so that the test is"}

type Start = Callable[..., Awaitable[Replicas]]
type Request = asyncio.Task[httpx.Response]


@pytest.fixture
async def start(prepared: Trial, faults: Faults) -> AsyncIterator[Start]:
    """``start(number, command, SM_…=…)``: web processes that serve on for ``DELAY``, unless it is said otherwise."""
    async with AsyncExitStack() as stack:

        async def start(number: int = 1, command: tuple[str, ...] = SM_WEB, **settings: object) -> Replicas:
            environment = ENVIRONMENT | {"SM_DRAIN_DELAY": str(DELAY), "SM_MAX_CONCURRENCY": "200"}
            environment |= {name: str(value) for name, value in settings.items()}
            replicas = await stack.enter_async_context(Replicas(prepared, number, environment, command=command))
            stack.callback(replicas.kill)
            return replicas

        yield start


def process(replicas: Replicas, number: int = 0) -> subprocess.Popen[bytes]:
    return replicas.trial.processes[replicas.names[number]]


async def ended(replicas: Replicas, number: int = 0) -> int:
    return await asyncio.to_thread(process(replicas, number).wait, 60)


async def hanging(replicas: Replicas, faults: Faults, seconds: float, count: int = 1) -> list[Request]:
    """Requests that the process has got."""
    path = f"/api/probe/hang?seconds={seconds}"
    requests = [asyncio.create_task(replicas.clients[0].get(path)) for _ in range(count)]
    await faults.until(lambda: faults.says(replicas.names[0], '"event":"hangs"', count))
    return requests


EVERY_SERVER = pytest.mark.parametrize(
    "command", [SM_WEB, (*SM_WEB, "--workers", "2"), UVICORN], ids=["sm web", "sm web --workers", "uvicorn"]
)


@EVERY_SERVER
async def test_it_serves_on_and_says_that_it_is_not_ready(
    start: Start, faults: Faults, command: tuple[str, ...]
) -> None:
    replicas = await start(1, command)
    client = replicas.clients[0]
    (running,) = await hanging(replicas, faults, DELAY + 2)
    began = monotonic()
    process(replicas).send_signal(signal.SIGTERM)
    await faults.until(lambda: says(client, "/health/ready", 503), DELAY)
    served: list[httpx.Response] = []
    # To the middle of the delay: a busy machine may take the other half.
    while not served or monotonic() < began + DELAY / 2:
        # Each on a connection of its own: the socket is still there.
        served += [await client.get("/health"), await client.get("/api/app")]
        await asyncio.sleep(0.1)
    assert {answer.status_code for answer in served} == {200}
    assert {answer.headers["connection"] for answer in served} == {"close"}
    assert (await running).status_code == 200
    assert (await running).headers["connection"] == "close"
    assert await ended(replicas) == (-signal.SIGTERM if command is UVICORN else 0)
    assert DELAY <= monotonic() - began <= DELAY + 2 + BUSY_MACHINE


async def says(client: httpx.AsyncClient, path: str, status: int) -> bool:
    return (await client.get(path)).status_code == status


async def test_what_is_under_way_is_finished(start: Start, faults: Faults, report: Report, long: bool) -> None:
    seconds = 10 if long else DELAY + 3
    replicas = await start(1)
    requests = await hanging(replicas, faults, seconds, 50)
    began = monotonic()
    process(replicas).send_signal(signal.SIGTERM)
    statuses = [(await request).status_code for request in requests]
    finished = monotonic() - began
    await ended(replicas)
    took = monotonic() - began
    report(
        f"SIGTERM with 50 requests of {seconds} s under way, SM_DRAIN_DELAY={DELAY}: {statuses.count(200)} answered 200, "
        f"the last after {finished:.1f} s, exit after {took:.1f} s"
    )
    assert statuses == [200] * 50
    assert took <= finished + BUSY_MACHINE


async def test_streams_end_in_order_and_go_on_at_another_process(start: Start, start_nginx: StartNginx) -> None:
    replicas = await start(2)
    nginx = start_nginx(replicas.ports)
    url = "ws://127.0.0.1:{}/api/probe/echo".format
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(base_url=replicas.urls[0]) as client,
        client.stream("GET", "/api/probe/events") as events,
        websockets.connect(url(replicas.ports[0])) as socket,
    ):
        lines = events.aiter_lines()
        assert await anext(lines) == "event: first"
        process(replicas).send_signal(signal.SIGTERM)
        # Not cut off: without the last chunk this raises.
        assert [line async for line in lines] == [""]
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        await ended(replicas)
        # nginx finds the other one, as a browser that connects again does.
        async with httpx.AsyncClient(base_url=nginx.url) as again:
            for _ in range(2):
                async with again.stream("GET", "/api/probe/events") as anew:
                    assert await anext(anew.aiter_lines()) == "event: first"
        async with websockets.connect(url(nginx.port)) as new:
            await new.send("hello")
            assert await new.recv() == "hello"
    # What was ended is no error.
    assert "Traceback" not in replicas.log(0)


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM, signal.SIGINT]], ids=str)
async def test_sigint_skips_the_delay(start: Start, numbers: list[signal.Signals]) -> None:
    replicas = await start(1, SM_DRAIN_DELAY=60)
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(base_url=replicas.urls[0]) as client,
        client.stream("GET", "/api/probe/events") as events,
    ):
        lines = events.aiter_lines()
        assert await anext(lines) == "event: first"
        for number in numbers:
            process(replicas).send_signal(number)
            await asyncio.sleep(0.2)
        assert [line async for line in lines] == [""]
        await ended(replicas)


async def test_a_second_sigterm_skips_it_unless_it_is_the_first_ones_echo(start: Start, faults: Faults) -> None:
    replicas = await start(1, SM_DRAIN_DELAY=60)
    process(replicas).send_signal(signal.SIGTERM)
    await faults.until(lambda: says(replicas.clients[0], "/health/ready", 503))
    process(replicas).send_signal(signal.SIGTERM)
    await asyncio.sleep(AGAIN + 1)
    assert await says(replicas.clients[0], "/health", 200)
    process(replicas).send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(ended(replicas), 20) == 0


async def test_what_takes_too_long_is_cancelled(start: Start, faults: Faults) -> None:
    # Of plain uvicorn, which by itself would wait for ever.
    replicas = await start(1, UVICORN, SM_DRAIN_DELAY=0, SM_DRAIN_TIMEOUT=1, **SHORT)
    (running,) = await hanging(replicas, faults, 600)
    process(replicas).send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(ended(replicas), 20) == -signal.SIGTERM
    assert (await running).status_code == 500


def test_the_first_process_of_a_container_can_be_ended_while_it_boots(tmp_path: Path) -> None:
    contained = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*contained, "true"], check=False, capture_output=True).returncode:
        message = "this machine gives no process namespaces"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    # What its boot imports, and never gets.
    (tmp_path / "typer.py").write_text("import time; print('booting', flush=True); time.sleep(600)")
    sm = Path(sys.executable).with_name("sm")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([*contained, sm, "web"], env=environment, stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout is not None
            assert outer.stdout.readline() == b"booting\n"
            (inner,) = psutil.Process(outer.pid).children()
            inner.send_signal(signal.SIGTERM)
            assert outer.wait(20) == 128 + signal.SIGTERM
        finally:
            outer.kill()
