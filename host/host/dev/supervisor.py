"""Runs programs with their output on the console, and starts again what ends by itself.

Honcho's manager ends everything as soon as one program ends, which is the opposite of what a long day of
development needs; so this is ours. A program is its own process group: ending it ends its children too.
"""

import asyncio
import codecs
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from framework.embedded import EmbeddedServer, EmbeddedServerError, Leash
from framework.embedded.leash import signal_group

from host.dev.console import Console

# Together with the servers' own this stays below the five seconds that a stop may take.
GRACE = 2.5
SERVER_GRACE = 1.5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
HEALTHY_AFTER = 10.0


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


class Supervisor:
    def __init__(self, console: Console, leash: Leash) -> None:
        self._console = console
        self._leash = leash

    async def run(self, program: Program, *, stdout: int | None = None) -> int:
        """Run to the end; the exit status. Output goes to the console; with ``stdout`` only errors do."""
        async with self._started(program, stdout) as process:
            return await process.wait()

    async def capture(self, program: Program) -> tuple[int, str]:
        """Run to the end; the exit status and the few lines it printed, which do not go to the console."""
        read, write = os.pipe()
        with os.fdopen(read) as printed:
            try:
                status = await self.run(program, stdout=write)
            finally:
                os.close(write)
            return status, printed.read()

    async def keep(self, program: Program, changed: asyncio.Event | None = None) -> None:
        """Keep it running until cancelled; ``changed`` asks for a restart."""
        changed = changed or asyncio.Event()
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            async with self._started(program) as process:
                await _first(process.wait, changed.wait)
                died = process.returncode
            if not changed.is_set() and died is not None:
                pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY_AFTER else min(pause * 2, LONGEST_PAUSE)
                self._console.warn(f"{program.name} ended ({describe(died)}); starting it again in {pause:g} s")
                await _first(partial(asyncio.sleep, pause), changed.wait)
            if changed.is_set():
                self._console.say(f"{program.name} restarts with the changed code")
                changed.clear()

    async def keep_server(self, server: EmbeddedServer) -> None:
        """Start a running server again whenever it ends; at the same address, so nobody else needs to know."""
        pause = FIRST_PAUSE
        while True:
            status = await asyncio.to_thread(server.wait)
            self._console.warn(f"{server.name} ended ({describe(status)}); starting it again")
            while True:
                try:
                    await in_thread(server.start)
                    break
                except EmbeddedServerError as error:
                    pause = min(pause * 2, LONGEST_PAUSE)
                    self._console.warn(f"{error}\nTrying again in {pause:g} s")
                    await asyncio.sleep(pause)
            self._console.say(f"{server.name} is back")

    @asynccontextmanager
    async def _started(self, program: Program, stdout: int | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
        # Our own pipe: with asyncio's, waiting for the process would also wait for whoever inherited its output.
        read, write = os.pipe()
        relay = asyncio.create_task(self._relay(program.name, read))
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env=program.env,
                cwd=program.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write if stdout is None else stdout,
                stderr=write,
                start_new_session=True,
            )
        finally:
            os.close(write)
        self._leash.hold(process.pid)
        try:
            yield process
        finally:
            await _end(process)
            self._leash.release(process.pid)
            with suppress(TimeoutError):
                await asyncio.wait_for(relay, timeout=0.5)

    async def _relay(self, name: str, read: int) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read, "rb", buffering=0)
        )
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        rest = ""
        try:
            while chunk := await stream.read(65536):
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    self._console.line(name, line.rstrip("\r"))
            if rest:
                self._console.line(name, rest)
        finally:
            transport.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        # Only the program itself: it ends its children in its own order (Celery's would be lost tasks).
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
    signal_group(process.pid, signal.SIGKILL)
    await process.wait()


async def _first(*waits: Callable[[], Awaitable[object]]) -> None:
    """Returns when one of them does, and cancels the others."""
    tasks = [asyncio.ensure_future(wait()) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def in_thread(call: Callable[[], None]) -> None:
    """``asyncio.to_thread`` that is not abandoned when cancelled: what it started is there for the one who ends it."""
    thread = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
