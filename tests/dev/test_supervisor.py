"""Programs under supervision: real ones, made of a line of Python each."""

import asyncio
import io
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from framework.embedded import EmbeddedValkey, Leash
from framework.embedded.ending import still_running
from host.dev.console import Console
from host.dev.supervisor import Program, Supervisor

ANNOUNCE = "import os, signal; print('I am', os.getpid(), flush=True); "
STAY = ANNOUNCE + "signal.pause()"


class Terminal:
    """What a person would see, and a way to wait for it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.supervisor = Supervisor(Console(self.stream), Leash())

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def pids(self) -> list[int]:
        return [int(line.rsplit(maxsplit=1)[1]) for line in self.lines if "I am" in line]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - other processes have no event for us
                await asyncio.sleep(0.01)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def python(code: str, name: str = "web") -> Program:
    return Program(name, [sys.executable, "-c", code], {}, Path.cwd())


@asynccontextmanager
async def kept(terminal: Terminal, code: str, changed: asyncio.Event | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(terminal.supervisor.keep(python(code), changed))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_line_carries_the_name_of_its_process(terminal: Terminal) -> None:
    code = "import sys; print('one\\ntwo'); print('three', file=sys.stderr, end='')"
    assert await terminal.supervisor.run(python(code)) == 0
    assert sorted(terminal.lines) == ["web      │ one", "web      │ three", "web      │ two"]


async def test_output_that_is_no_text_or_very_long_passes(terminal: Terminal) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff' + b'x' * 1_000_000)"
    assert await terminal.supervisor.run(python(code)) == 0
    assert terminal.lines == ["web      │ \ufffd" + "x" * 1_000_000]


async def test_what_is_captured_is_not_shown(terminal: Terminal) -> None:
    code = "import sys; print('secret'); print('said', file=sys.stderr); sys.exit(3)"
    assert await terminal.supervisor.capture(python(code)) == (3, "secret\n")
    assert terminal.lines == ["web      │ said"]


async def test_a_program_that_ends_is_started_again(terminal: Terminal) -> None:
    async with kept(terminal, ANNOUNCE + "raise SystemExit(7)"):
        await terminal.until(lambda: len(terminal.pids()) >= 2)
    assert any("web ended (exit status 7); starting it again" in line for line in terminal.lines)


async def test_a_program_that_is_killed_is_started_again(terminal: Terminal) -> None:
    async with kept(terminal, STAY):
        await terminal.until(terminal.pids)
        psutil.Process(terminal.pids()[0]).kill()
        await terminal.until(lambda: len(terminal.pids()) == 2)
    assert any("killed by SIGKILL" in line for line in terminal.lines)


async def test_a_change_restarts_without_a_pause(terminal: Terminal) -> None:
    changed = asyncio.Event()
    async with kept(terminal, STAY, changed):
        await terminal.until(terminal.pids)
        changed.set()
        await terminal.until(lambda: len(terminal.pids()) == 2)
    assert not any("ended" in line for line in terminal.lines)


async def test_nothing_of_a_program_outlives_its_supervision(terminal: Terminal) -> None:
    with_child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAY!r}]); {STAY}"
    async with kept(terminal, with_child):
        await terminal.until(lambda: len(terminal.pids()) == 2)
        processes = [psutil.Process(pid) for pid in terminal.pids()]
    assert still_running(processes, 5) == []


async def test_a_program_that_does_not_want_to_end_is_forced(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.dev.supervisor.GRACE", 0.1)
    async with kept(terminal, f"import signal; signal.signal({int(signal.SIGTERM)}, signal.SIG_IGN); {STAY}"):
        await terminal.until(terminal.pids)
        process = psutil.Process(terminal.pids()[0])
    assert still_running([process], 5) == []


async def test_a_server_that_dies_comes_back_at_the_same_address(terminal: Terminal, home: Path) -> None:
    with EmbeddedValkey(home / "valkey") as valkey:
        address, pid = valkey.url(), valkey.pid
        task = asyncio.create_task(terminal.supervisor.keep_server(valkey))
        psutil.Process(pid).kill()
        await terminal.until(lambda: any("Valkey is back" in line for line in terminal.lines))
        assert valkey.url() == address
        assert valkey.pid != pid
        task.cancel()
