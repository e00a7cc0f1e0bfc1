"""Several web processes of one installation, as replicas are: ports of their own, one Postgres, one Redis."""

import asyncio
from collections.abc import Mapping
from itertools import count, cycle
from typing import Self

import httpx
from framework.embedded.ports import free_port
from host.trial import Trial, answers

_numbers = count(1)


class Replicas:
    """``async with Replicas(trial, 4, {"SM_…": "…"}) as replicas``: real uvicorn processes, ready to serve, and a client for each."""

    def __init__(self, trial: Trial, number: int, environment: Mapping[str, str] | None = None) -> None:
        self.trial = trial
        self.names = [f"web-{next(_numbers)}" for _ in range(number)]
        self.ports = [free_port() for _ in range(number)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self._environment = dict(environment or {})
        self.clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        for name, port in zip(self.names, self.ports, strict=True):
            self.trial.start(
                name,
                *("-m", "uvicorn", "host.main:app", "--port", str(port), "--no-access-log"),
                environment=self._environment,
            )
        for name, url in zip(self.names, self.urls, strict=True):
            await asyncio.to_thread(self.trial.wait_until, lambda url=url: answers(f"{url}/health"), name)  # type: ignore[misc]
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.clients = [httpx.AsyncClient(base_url=url, timeout=30, limits=limits) for url in self.urls]
        self.in_turn = cycle(self.clients)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.aclose()
        for name in self.names:
            if name in self.trial.processes:
                await asyncio.to_thread(self.trial.stop, name)

    def pid(self, number: int) -> int:
        return self.trial.processes[self.names[number]].pid

    def log(self, number: int) -> str:
        return self.trial.log(self.names[number]).read_text()
