"""Metrics with many processes: nothing is counted twice or lost, and whoever serves them may die."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from framework.embedded.ports import free_port
from host.dev.environment import CLONE
from host.trial import CELERY, Trial
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.deployment.conftest import StartNginx
from tests.deployment.managed import Managed
from tests.deployment.prometheus import ALERTS, PATIENCE, Prometheus, expressions, metrics_in, promtool
from tests.faults.conftest import Report
from tests.faults.faults import Faults

PATHS = ("/health", "/api/app", "/contacts", "/api/contacts", "/nowhere", "/api/nowhere")
AT_ONCE = 16
GUNICORN = ("gunicorn", "-c", str(CLONE / "deploy" / "gunicorn" / "gunicorn.conf.py"), "host.main:app")
COMMANDS = {
    "sm web": ("sm", "web", "--workers", "2"),
    "gunicorn": GUNICORN,
    "gunicorn asgi": (*GUNICORN, "-k", "asgi"),
}


@pytest.fixture
def metrics_port(prepared: Trial, monkeypatch: pytest.MonkeyPatch) -> int:
    port = free_port()
    monkeypatch.setitem(prepared.environment, "SM_METRICS_PORT", str(port))
    # Prometheus takes an empty label for none.
    monkeypatch.setitem(prepared.environment, "SM_REVISION", "4f2a9c1")
    return port


def served(prepared: Trial, *command: str) -> Managed:
    port = free_port()
    listen = ("-b", f"127.0.0.1:{port}") if command[0] == "gunicorn" else ("--port", str(port))
    return Managed(prepared, (*command, *listen), port)


async def scrape(port: int) -> str:
    async with httpx.AsyncClient(timeout=10) as client:
        return (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status().text


def samples(text: str, name: str) -> list[Sample]:
    return [
        sample for family in text_string_to_metric_families(text) for sample in family.samples if sample.name == name
    ]


def processes(text: str) -> set[str]:
    return {sample.labels["process"] for sample in samples(text, "seamark_build_info")}


def requests(text: str) -> Counter[tuple[str, str]]:
    """By process and status."""
    counts: Counter[tuple[str, str]] = Counter()
    for sample in samples(text, "seamark_http_requests_total"):
        counts[sample.labels["process"], sample.labels["status"]] += int(sample.value)
    return counts


def holders(pid: int, port: int) -> list[int]:
    """Which of its processes listen at ``port``."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return [
        process.pid
        for process in family
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]


async def all_there(
    managed: Managed, port: int, names: set[str], enough: Callable[[str], object] = lambda _: True
) -> str:
    """What these processes say, once it is ``enough``."""
    text = ""

    async def look() -> bool:
        nonlocal text
        try:
            text = await scrape(port)
        except httpx.TransportError:
            return False
        return processes(text) == names and bool(enough(text))

    deadline = monotonic() + PATIENCE
    while not await look():
        assert managed.trial.processes[managed.name].poll() is None, managed.log()[-4000:]
        assert monotonic() < deadline, text
        await asyncio.sleep(0.1)
    return text


def names_in(text: str) -> set[str]:
    """Of all series."""
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def missing(wanted: set[str], text: str) -> set[str]:
    """Those of which there is neither a series nor a description."""
    described = set(metrics_in("\n".join(line for line in text.splitlines() if line.startswith("# HELP"))))
    return {name.removesuffix("_bucket").removesuffix("_count") for name in wanted - names_in(text)} - described


async def ask(managed: Managed, count: int) -> Counter[str]:
    """Answers by status. Each on a connection of its own, so that all processes get some."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=managed.url, headers={"connection": "close"}, timeout=30) as client:

        async def one(number: int) -> str:
            async with turns:
                return f"{(await client.get(PATHS[number % len(PATHS)])).status_code // 100}xx"

        return Counter(await asyncio.gather(*map(one, range(count))))


@asynccontextmanager
async def asked_all_the_time(managed: Managed) -> AsyncIterator[None]:
    """A rate is of what was counted between two looks: nobody knows when those are."""

    async def again_and_again() -> None:
        while True:
            await ask(managed, len(PATHS))
            await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(again_and_again())
        yield
        asking.cancel()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_the_sum_of_all_processes_is_what_was_asked_also_after_a_kill(
    prepared: Trial, metrics_port: int, report: Report, long: bool, command: tuple[str, ...]
) -> None:
    count = 6000 if long else 600
    names = {"web-1", "web-2"}
    async with served(prepared, *command) as managed:
        before = requests(await all_there(managed, metrics_port, names))
        answers = await ask(managed, count)
        # An answer may be read before it is counted.
        text = await all_there(
            managed, metrics_port, names, lambda text: (requests(text) - before).total() >= answers.total()
        )
        counted = requests(text) - before
        by_status: Counter[str] = Counter()
        for (_, status), number in counted.items():
            by_status[status] += number
        assert by_status == answers
        assert {process for process, _ in counted} == names
        promtool("check", "metrics", given=text)

        holder = holders(managed.pid, metrics_port)
        assert len(holder) == 1
        began = asyncio.get_running_loop().time()
        os.kill(holder[0], signal.SIGKILL)
        await served_again(metrics_port)
        seconds = asyncio.get_running_loop().time() - began
        text = await all_there(managed, metrics_port, names)
        assert len(holders(managed.pid, metrics_port)) == 1
        series = [(s.name, *sorted(s.labels.items())) for f in text_string_to_metric_families(text) for s in f.samples]
        assert len(series) == len(set(series))
        report(
            f"metrics of {' '.join(Path(word).name for word in command)}: {by_status.total()} of {count} requests counted by "
            f"{len(names)} processes; served again {seconds:.1f} s after kill -9 of the one that did"
        )


async def served_again(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await scrape(port)
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_they_are_neither_at_the_public_port_nor_behind_nginx(
    prepared: Trial, metrics_port: int, start_nginx: StartNginx
) -> None:
    async with served(prepared, "sm", "web", "--workers", "2") as managed:
        await all_there(managed, metrics_port, {"web-1", "web-2"})
        nginx = start_nginx([int(managed.url.rpartition(":")[2])])
        async with httpx.AsyncClient() as client:
            for url in (managed.url, nginx.url):
                for path in ("/metrics", "/metrics/", "/api/metrics", "/build/../metrics"):
                    answer = await client.get(f"{url}{path}")
                    assert answer.status_code == 404
                    assert "seamark_" not in answer.text


async def test_prometheus_reads_all_that_alerts_and_dashboard_ask_for(
    prepared: Trial, faults: Faults, metrics_port: int, tmp_path: Path, report: Report
) -> None:
    async with (
        served(prepared, "sm", "web", "--workers", "2") as managed,
        Prometheus(tmp_path, metrics_port) as prometheus,
    ):
        modules = {"SM_MODULES_ENABLED": "admin,users,contacts,background_tasks,probe"}
        everybody = {"web-1", "web-2", "worker-1", "worker-2", "relay-1", "beat-1"}
        prepared.start("counted", *CELERY, "worker", "-c", "2", environment=modules)
        prepared.start("counted-beat", *CELERY, "beat", environment=modules)
        try:
            await all_there(managed, metrics_port, everybody)
            for number in range(5):
                answer = await managed.clients[0].post("/api/probe/notes", json={"key": f"metrics-{number}"})
                assert answer.status_code == 202
            ran = 'sum(seamark_task_runs_total{task="probe.note", outcome="succeeded"})'
            await prometheus.until(f"{ran} == 5")
            await prometheus.until("sum(seamark_relay_published_total) >= 5")
            await prometheus.until("max(seamark_workers) == 1 and max(seamark_beat_silence_seconds) < 60")
            async with asked_all_the_time(managed):
                await prometheus.until("sum(rate(seamark_http_requests_total[1m])) > 0")
            await prometheus.until('up{job="seamark"} == 1')
            asked = list(expressions())
            wanted = metrics_in(ALERTS.read_text() + "\n".join(expr for expr, _ in asked))
            # What Postgres knows is not there where it did not answer in time.
            text = await all_there(managed, metrics_port, everybody, lambda text: not missing(wanted, text))
            there = names_in(text)
            for expr, legend in asked:
                result = await prometheus.ask(expr)
                for label in (part.split("}}")[0] for part in legend.split("{{")[1:]):
                    assert all(label in series["metric"] for series in result), (expr, label)
                # What has never happened has no series. What has, and yet is not found, is asked for wrongly, or has happened
                # just now for the first time: a rate is of two looks.
                if not result and ">" not in expr and metrics_in(expr) <= there:
                    await prometheus.until(expr)
            report(f"Prometheus: {len(asked)} expressions of the dashboard asked of {len(text.splitlines())} lines")
        finally:
            for name in ("counted", "counted-beat"):
                await asyncio.to_thread(prepared.stop, name)
