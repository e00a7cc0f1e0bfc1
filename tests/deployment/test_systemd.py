"""The units, as systemd judges them, and the processes that they start, with their socket as systemd hands it over.

For where no systemd can be started; elsewhere test_systemd_machine has all of it by systemd itself.
"""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import httpx
import pytest
from host.dev.environment import CLONE
from host.trial import Trial, answers

from tests.deployment.managed import BIN, ENVIRONMENT, EXECUTE, PATIENCE, RATE, adapted, folder
from tests.faults.conftest import Report
from tests.faults.traffic import Traffic, sign_in

__all__ = ["folder"]
SHIPPED = CLONE / "deploy" / "systemd"
EXPOSURE = "20"
"""Tenths, of a hundred that a service without any of it has."""
FIRST = 3
"""The first socket (sd_listen_fds(3))."""


@pytest.fixture
def program() -> Callable[[str], str]:
    def program(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {name} found: `apt install systemd`")
        return str(found)

    return program


def start(folder: Path) -> list[str]:
    """What seamark-web@.service runs."""
    unit = adapted(SHIPPED / "seamark-web@.service", folder)
    return shlex.split(next(line for line in unit.splitlines() if line.startswith("ExecStart=")).partition("=")[2])


def test_systemd_has_nothing_to_say_against_the_units(program: Callable[[str], str], folder: Path) -> None:
    for file in (*SHIPPED.glob("seamark-*.s*"), *SHIPPED.glob("seamark-*.timer")):
        (folder / file.name.replace("@", "@1")).write_text(adapted(file, folder))
    units = sorted(path for path in folder.iterdir() if path.suffix in (".service", ".socket", ".timer"))
    judged = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (judged.returncode, [line for line in judged.stderr.splitlines() if str(folder) in line]) == (0, [])
    services = [path for path in units if path.suffix == ".service"]
    exposed = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", f"--threshold={EXPOSURE}", *services],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-2000:]


async def test_a_request_starts_it(prepared: Trial, program: Callable[[str], str], folder: Path) -> None:
    """By the socket alone, as at the machine's start; nothing of the environment but what is named is passed on."""
    uds = folder / "web.sock"
    # Long enough to ask twice in, on a busy machine too.
    environment = {**prepared.environment, **ENVIRONMENT, "SM_DRAIN_DELAY": "5"}
    told = {name: value for name, value in environment.items() if name.startswith("SM_")}
    passed = [f"--setenv={name}={value}" for name, value in told.items()]
    passed += [f"--setenv={name}" for name in ("PYTHONPATH", "TMPDIR")]
    prepared.start(
        "activate", "-c", EXECUTE, program("systemd-socket-activate"), f"--listen={uds}", *passed, *start(folder)
    )
    transport = httpx.AsyncHTTPTransport(uds=str(uds), retries=5)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=PATIENCE) as client:
        async with asyncio.timeout(PATIENCE):
            while not uds.exists():  # noqa: ASYNC110 - by another process
                await asyncio.sleep(0.05)
        assert (await client.get("/health/ready")).status_code == 200
        prepared.processes["activate"].send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            while (await client.get("/health/ready")).status_code != 503:  # noqa: ASYNC110 - by another process
                await asyncio.sleep(0.05)
        assert (await client.get("/contacts")).status_code == 200
    process = prepared.processes.pop("activate")
    assert await asyncio.to_thread(process.wait, PATIENCE) == 0
    prepared.leash.release(process.pid)


class Instances:
    """Two of the service with one socket, which somebody else keeps open, as systemd does."""

    def __init__(self, trial: Trial, folder: Path) -> None:
        self._trial = trial
        self._command = start(folder)
        self._log = trial.folder / "instances.log"
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def start(self) -> subprocess.Popen[bytes]:
        fd = self.listening.fileno()
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", f"import os; os.dup2({fd}, {FIRST}); {EXECUTE}", *self._command],
                cwd=CLONE,
                env={**self._trial.environment, **ENVIRONMENT, "PATH": f"{BIN}:{os.environ['PATH']}"},
                pass_fds=(fd,),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._trial.leash.hold(process.pid)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(PATIENCE)
        self._trial.leash.release(process.pid)

    async def ready(self, times: int) -> None:
        deadline = monotonic() + PATIENCE
        while self._log.read_text().count('"event":"ready"') < times:
            assert monotonic() < deadline, self._log.read_text()[-4000:]
            await asyncio.sleep(0.05)


async def test_restarts_one_by_one_lose_nothing(prepared: Trial, folder: Path, report: Report, long: bool) -> None:
    instances = Instances(prepared, folder)
    rounds = 5 if long else 1
    async with AsyncExitStack() as stack:
        running = [instances.start() for _ in range(2)]
        await instances.ready(2)
        # Several parts of an answer are sent at once, not after the acknowledgement of the first.
        assert instances.listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=1)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=instances.url, timeout=PATIENCE, limits=limits)
        )
        async with Traffic([client], await sign_in(client), rate=RATE) as traffic:
            for number in range(rounds * 2):
                # As `systemctl restart` does. Nobody waits for the new one here: its socket is served by the other.
                await asyncio.to_thread(instances.stop, running[number % 2])
                running[number % 2] = instances.start()
            await instances.ready(2 + rounds * 2)
        for process in running:
            await asyncio.to_thread(instances.stop, process)
        failed = [answer for answer in traffic.answers if not 200 <= answer.status < 400]
    instances.listening.close()
    assert not answers(f"{instances.url}/health")
    report(f"systemd: {rounds * 2} restarts one by one, one socket: {len(failed)} of {len(traffic.answers)} failed")
    assert not failed, failed
