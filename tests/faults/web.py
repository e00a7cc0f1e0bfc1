"""Several web processes of one installation, as replicas are: ports of their own, one Postgres, one Redis."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count, cycle
from typing import Self

import httpx
from framework.embedded.ports import free_port
from host.trial import Trial, answers

_numbers = count(1)
UVICORN = ("-m", "uvicorn", "host.main:app", "--no-access-log")
SM_WEB = ("-m", "host.cli", "web")


class Replicas:
    """``async with Replicas(trial, 4, {"SM_…": "…"}) as replicas``: real uvicorn processes, ready to serve, and a client for each."""

    def __init__(
        self,
        trial: Trial,
        number: int,
        environment: Mapping[str, str] | None = None,
        *,
        command: Sequence[str] = UVICORN,
    ) -> None:
        """``command``: of Python, which is given ``--port``."""
        self.trial = trial
        self.names = [f"web-{next(_numbers)}" for _ in range(number)]
        self.ports = [free_port() for _ in range(number)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self._environment = dict(environment or {})
        self._command = command
        self.clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        for number in range(len(self.names)):
            self._start(number)
        for number in range(len(self.names)):
            await self._wait_for(number)
        # Sooner than uvicorn, which ends an idle connection after 5 s: what is sent just then would be lost.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2)
        self.clients = [httpx.AsyncClient(base_url=url, timeout=30, limits=limits) for url in self.urls]
        self.in_turn = cycle(self.clients)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.aclose()
        for name in self.names:
            if name in self.trial.processes:
                await asyncio.to_thread(self.trial.stop, name)

    def kill(self) -> None:
        """All, as nobody waits for their orderly end."""
        for name in self.names:
            with suppress(ProcessLookupError):
                os.killpg(self.trial.processes[name].pid, signal.SIGKILL)

    async def restart(self, number: int) -> None:
        """Of one that has ended; returns when it serves."""
        self.trial.leash.release(self.pid(number))
        self._start(number)
        await self._wait_for(number)

    def _start(self, number: int) -> None:
        self.trial.start(
            self.names[number],
            *(*self._command, "--port", str(self.ports[number])),
            environment=self._environment,
        )

    async def _wait_for(self, number: int) -> None:
        url = f"{self.urls[number]}/health"
        await asyncio.to_thread(self.trial.wait_until, lambda: answers(url), self.names[number])

    def pid(self, number: int) -> int:
        return self.trial.processes[self.names[number]].pid

    def log(self, number: int) -> str:
        return self.trial.log(self.names[number]).read_text()
