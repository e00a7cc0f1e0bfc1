"""The web processes of one machine under whoever manages them there, and what that costs those who are being served."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import Self

import httpx
import psutil
import pytest
from host.dev.environment import CLONE
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.traffic import MODULES, UNHURRIED, Traffic, sign_in

CLIENTS = 4
RATE = 20
DELAY = 2.0
PATIENCE = 60.0
ENVIRONMENT = {
    "SM_MODULES_ENABLED": MODULES,
    "SM_RATE_LIMITS": UNHURRIED,
    "SM_DATABASE_POOL_SIZE": "5",
    "SM_WEB_WORKERS": "2",
    "SM_DRAIN_DELAY": str(DELAY),
    "SM_DRAIN_TIMEOUT": "10",
    # On a busy machine a start takes longer than the delay. What comes meanwhile waits, and then comes all at once.
    "SM_MAX_CONCURRENCY": "1000",
    "SM_SILENCED_CHECKS": "SM045=the drain is short for the tests' sake",
}
EXECUTE = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
BIN = Path(sys.executable).parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """In the place of /run/seamark. Short, as the names of Unix sockets must be."""
    folder = Path(tempfile.mkdtemp(prefix="sm-"))
    yield folder
    shutil.rmtree(folder)


def adapted(file: Path, folder: Path) -> str:
    """What is shipped, for this clone."""
    text = file.read_text()
    for shipped, here in (("/opt/seamark/.venv/bin", BIN), ("/opt/seamark", CLONE), ("/run/seamark", folder)):
        text = text.replace(shipped, str(here))
    return text


class Managed:
    """``async with Managed(trial, command, port, {"SM_…": "…"}) as managed``: two processes, ready, and clients in turn."""

    def __init__(
        self,
        trial: Trial,
        command: Sequence[str],
        port: int | None = None,
        *,
        uds: Path | None = None,
        count: int = 2,
        told: Mapping[str, str] | None = None,
    ) -> None:
        """``command`` stays in the foreground. ``port`` or ``uds``: where its processes listen.

        ``count``: how many they are; 0 where it serves itself. ``told``: other variables than those of all.
        """
        self.trial = trial
        self.command = command
        self.name = Path(command[0]).name
        self.uds = uds
        self.count = count
        self._environment = {**ENVIRONMENT, **(told or {})}
        self.url = f"http://127.0.0.1:{port}" if port else "http://localhost"
        self.clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        path = f"{BIN}{os.pathsep}{self.trial.environment['PATH']}"
        self.trial.log(self.name).unlink(missing_ok=True)
        self.trial.start(self.name, "-c", EXECUTE, *self.command, environment=self._environment | {"PATH": path})
        await self.become(self.count, ready=self.count or 1)
        self.clients = [self.client() for _ in range(CLIENTS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.aclose()
        if self.name in self.trial.processes:
            await asyncio.to_thread(self.trial.stop, self.name)

    def client(self) -> httpx.AsyncClient:
        # Idle connections are let go of before the server's 5 s and before the drain's end, as a proxy would.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=1)
        transport = httpx.AsyncHTTPTransport(limits=limits, uds=str(self.uds) if self.uds else None)
        return httpx.AsyncClient(base_url=self.url, timeout=30, transport=transport)

    @property
    def pid(self) -> int:
        return self.trial.processes[self.name].pid

    def log(self) -> str:
        return self.trial.log(self.name).read_text()

    def workers(self) -> list[int]:
        """The processes that serve, in the order of their age."""
        return [child.pid for child in psutil.Process(self.pid).children() if _serves(child)]

    def ready(self) -> int:
        """How many have become ready since the beginning."""
        return self.said("ready")

    def said(self, event: str) -> int:
        """How often, all processes together."""
        return self.log().count(f'"event":"{event}"')

    async def become(self, count: int, *, ready: int) -> None:
        """Returns when there are ``count`` processes, and so many have become ready since the beginning."""
        await self.until(lambda: len(self.workers()) == count and self.ready() >= ready)

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE
        while not condition():
            assert monotonic() < deadline, f"{self.workers()}\n{self.log()[-4000:]}"
            assert self.trial.processes[self.name].poll() is None, self.log()[-4000:]
            await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def run(self, *command: str) -> str:
        """Another program of the manager's, which speaks to it."""
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()
        return printed.decode()

    # To be said by each

    async def one_more(self) -> None:
        self.signal(signal.SIGTTIN)

    async def one_less(self) -> None:
        self.signal(signal.SIGTTOU)

    async def reload(self) -> None:
        self.signal(signal.SIGHUP)


def _serves(child: psutil.Process) -> bool:
    try:
        return not any("resource_tracker" in word for word in child.cmdline())
    except psutil.Error:
        # It has ended.
        return False


async def exercise(managed: Managed, report: Report) -> None:
    """Kills one, makes one more and one less, replaces all, under load; then ends all while requests are under way."""
    async with Traffic(managed.clients, await sign_in(managed.clients[0]), rate=RATE) as traffic:
        await traffic.during("steady", 1)
        await killed(managed, traffic)
        await scaled(managed, traffic)
        await reloaded(managed, traffic)
        await traffic.during("after", 0.5)
    lost = [answer for answer in traffic.answers if answer.phase == "kill" and not 200 <= answer.status < 400]
    counts = {phase: (len(traffic.failed(phase)), len(traffic.of(phase))) for phase in ("more", "less", "reload")}
    finished, served, seconds = await drained(managed)
    report(
        f"{managed.name}: kill -9 failed {len(lost)} of those under way, {len(traffic.failed('killed'))} of "
        f"{len(traffic.of('killed'))} after it; "
        + "; ".join(f"{phase}: {failed} of {count} failed" for phase, (failed, count) in counts.items())
        + f"; SIGTERM: {served} served in the delay, {finished} under way finished, ended after {seconds:.1f} s"
    )
    others = [answer for answer in traffic.answers if answer.phase != "kill" and not 200 <= answer.status < 400]
    assert not others, others
    assert all(answer.status == 0 for answer in lost)
    assert len(lost) <= RATE
    assert all(count for _, count in counts.values())


async def killed(managed: Managed, traffic: Traffic) -> None:
    before, ready = managed.workers(), managed.ready()
    traffic.phase = "kill"
    # A request of the phase before must not be among those that are lost.
    await traffic.settled()
    await traffic.during("kill", 0.5)
    os.kill(before[0], signal.SIGKILL)
    await managed.until(lambda: before[0] not in managed.workers())
    # What is asked from here on was not yet under way: nothing of it may be lost.
    traffic.phase = "killed"
    await managed.become(len(before), ready=ready + 1)
    await traffic.during("killed", 0.5)


async def scaled(managed: Managed, traffic: Traffic) -> None:
    count, ready = len(managed.workers()), managed.ready()
    traffic.phase = "more"
    await managed.one_more()
    await managed.become(count + 1, ready=ready + 1)
    traffic.phase = "less"
    await managed.one_less()
    await managed.become(count, ready=ready + 1)


async def reloaded(managed: Managed, traffic: Traffic) -> None:
    before, ready = managed.workers(), managed.ready()
    traffic.phase = "reload"
    await managed.reload()
    await managed.until(lambda: not {*before} & {*managed.workers()})
    await managed.become(len(before), ready=ready + len(before))


async def drained(managed: Managed) -> tuple[int, int, float]:
    """Requests that were under way and finished, answers within the delay, seconds until all had ended."""
    process = managed.trial.processes[managed.name]
    async with AsyncExitStack() as stack:
        # A connection each, so that every process has some.
        clients = [await stack.enter_async_context(managed.client()) for _ in range(8)]
        long = [asyncio.create_task(client.get(f"/api/probe/hang?seconds={DELAY + 2}")) for client in clients]
        await asyncio.sleep(0.5)
        count, draining, closing = len(managed.workers()), managed.said("draining"), managed.said("closing")
        began = monotonic()
        process.send_signal(signal.SIGTERM)
        served = 0
        await managed.until(lambda: managed.said("draining") >= draining + count)
        while answers := await asked(managed):
            # Those that came after the delay say nothing.
            if managed.said("closing") > closing:
                break
            ready, page = answers
            assert (ready.status_code, page.status_code, page.headers["connection"]) == (503, 200, "close")
            served += 1
            await asyncio.sleep(0.05)
        assert managed.said("closing") > closing
        finished = [answer.status_code for answer in await asyncio.gather(*long)]
        await asyncio.to_thread(process.wait, PATIENCE)
        seconds = monotonic() - began
    managed.trial.leash.release(process.pid)
    del managed.trial.processes[managed.name]
    assert finished == [200] * len(finished)
    assert served
    assert seconds >= DELAY
    return len(finished), served, seconds


async def asked(managed: Managed) -> tuple[httpx.Response, httpx.Response] | None:
    """For readiness and a page, on a new connection; nothing where nobody listens any more."""
    async with managed.client() as client:
        try:
            return await client.get("/health/ready"), await client.get("/contacts")
        except httpx.TransportError:
            return None
