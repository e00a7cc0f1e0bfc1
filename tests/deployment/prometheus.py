"""Prometheus and its ``promtool``, where they are installed; and what deploy/prometheus has for them."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Self

import httpx
import pytest
from framework.embedded.ports import free_port
from host.dev.environment import CLONE

SHIPPED = CLONE / "deploy" / "prometheus"
ALERTS, TESTS, DASHBOARD = (SHIPPED / name for name in ("alerts.yml", "alerts.test.yml", "dashboard.json"))
PATIENCE = 60.0


def program(name: str) -> str:
    """Skips the test where there is none, and fails it in CI."""
    found = shutil.which(name)
    if found is None:
        message = f"no {name} found: it is in Debian's package prometheus"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def promtool(*arguments: str | Path, given: str | None = None) -> str:
    """What it prints. Fails the test where it refuses."""
    done = subprocess.run([program("promtool"), *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def expressions() -> Iterator[tuple[str, str]]:
    """Those of the dashboard, with their legends; Grafana's interval as it is at a scrape every other second."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m"), target["legendFormat"]


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\b(?:seamark|process)_[a-z_]+", text))


class Prometheus:
    """``async with Prometheus(folder, port) as prometheus``: the real one, which scrapes that port every other second."""

    def __init__(self, folder: Path, scraped: int) -> None:
        self._folder = folder
        port = free_port()
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        configuration = (SHIPPED / "prometheus.yml").read_text().replace("127.0.0.1:9464", f"127.0.0.1:{scraped}")
        # A scrape may take the two seconds for which a process is waited for.
        configuration = re.sub(r"_interval: .*", "_interval: 2s", configuration).replace("timeout: 10s", "timeout: 2s")
        (folder / "prometheus.yml").write_text(configuration)
        shutil.copy(ALERTS, folder)
        self._command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    async def __aenter__(self) -> Self:
        self._process = self._started()
        return self

    def _started(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, PATIENCE)

    async def ask(self, expression: str) -> list[dict[str, Any]]:
        answer = await self._client.get("/api/v1/query", params={"query": expression})
        said = answer.json()
        assert said["status"] == "success", (expression, said)
        result: list[dict[str, Any]] = said["data"]["result"]
        return result

    async def until(self, expression: str) -> None:
        """Until it has a result."""
        ends_at = monotonic() + PATIENCE
        while True:
            try:
                if await self.ask(expression):
                    return
            except httpx.TransportError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
            assert monotonic() < ends_at, f"never true: {expression}\n{(self._folder / 'log').read_text()[-2000:]}"
            await asyncio.sleep(0.2)
