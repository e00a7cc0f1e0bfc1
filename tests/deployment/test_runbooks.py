"""Each runbook in the trouble that it is for, by the very lines that it says."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
import typer
from framework.embedded import data_home
from framework.embedded.home import make_folder
from framework.loader import load_modules
from host.dev.environment import CLONE
from host.testing.service import Service, answer
from host.trial import ADMINISTRATOR, Trial
from typer.main import get_command

from host import cli
from tests.deployment.runbooks import commands, names
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey
from tests.faults.traffic import sign_in
from tests.faults.web import Replicas

PLACES = {"<id>": str(uuid4()), "<correlation-id>": "0123456789abcdef", "<name>": "probe.ask"}
DISK = 220
"""MiB: for what an empty Postgres takes with its log, and little more."""


@pytest.fixture(scope="module")
def command_line() -> typer.core.TyperGroup:
    cli.add_commands_of(load_modules(None))
    return get_command(cli.app)  # type: ignore[return-value]


@pytest.mark.parametrize("name", names())
def test_every_line_is_one_that_the_command_line_takes(name: str, command_line: typer.core.TyperGroup) -> None:
    for line in commands(name):
        rest = [PLACES.get(word, word) for word in line]
        command, context = command_line, typer.Context(command_line, info_name="sm")
        while isinstance(command, typer.core.TyperGroup) and rest and (inner := command.get_command(context, rest[0])):
            command, rest = inner, rest[1:]  # type: ignore[assignment]
            context = typer.Context(command, parent=context)
        command.make_context(command.name, rest, context)


def test_every_alert_has_a_runbook() -> None:
    text = (CLONE / "deploy" / "prometheus" / "alerts.yml").read_text()
    told = set(re.findall(r"runbook: docs/runbooks/(\S+)\.md", text))
    assert told
    assert told <= set(names())


class Operator:
    """Does what a runbook says, and keeps what was said to that."""

    def __init__(self, trial: Trial, name: str, environment: dict[str, str] | None = None) -> None:
        self.trial = trial
        self.lines = commands(name)
        self.environment = {**trial.environment, **(environment or {})}

    def does(self, line: str, **places: str) -> tuple[int, str]:
        """Status and words of the next line of the runbook, which has to begin with ``line``."""
        words = self.lines.pop(0)
        assert " ".join(words).startswith(line), f"the runbook says `sm {' '.join(words)}`, not {line!r}"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "host.cli",
                *(places.get(word.strip("<>").replace("-", "_"), word) for word in words),
            ],
            cwd=self.trial.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


async def test_sm010(prepared: Trial, report: Report) -> None:
    address = prepared.environment["SM_DATABASE_URL"]
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    await connection.execute("DROP DATABASE IF EXISTS behind")
    await connection.execute("CREATE DATABASE behind")
    behind = {"SM_DATABASE_URL": f"{address.rpartition('/')[0]}/behind", "SM_MODULES_ENABLED": "users,contacts"}
    operator = Operator(prepared, "sm010", behind)

    with pytest.raises(RuntimeError, match="SM010"):
        async with Replicas(prepared, 1, behind):
            pass
    missing, said = operator.does("migrate --check")
    assert (missing, "users_0001" in said) == (1, True)
    assert operator.does("migrate")[0] == 0
    # A line that needs psql, which comes with the embedded Postgres.
    assert operator.does("psql")[0] == 0
    assert operator.does("migrate --check")[0] == 0
    async with Replicas(prepared, 1, behind) as replicas:
        served = (await replicas.clients[0].get("/health/ready")).status_code
    await connection.execute("DROP DATABASE behind WITH (FORCE)")
    await connection.close()
    report(f"SM010: refused, migrated by its runbook, then {served}")
    assert served == 200


async def test_rotate_the_key(prepared: Trial, faults: Faults, report: Report) -> None:
    old, new = prepared.environment["SM_SECRET_KEY"], "a-new-key-that-is-long-enough-to-be-one-0123456789"
    modules = {"SM_MODULES_ENABLED": "users"}
    seen: list[int] = []
    async with Replicas(prepared, 1, modules) as replicas:
        cookie = await sign_in(replicas.clients[0])
    for keys in ((old, new), (new, old), (new, "")):
        environment = {**modules, "SM_SECRET_KEY": keys[0], "SM_SECRET_KEY_FALLBACKS": keys[1]}
        async with Replicas(prepared, 1, environment) as replicas:
            answered = await replicas.clients[0].get("/api/users/me", headers={"cookie": cookie})
            seen.append(answered.status_code)
            if fresh := answered.headers.get("set-cookie"):
                cookie = fresh.partition(";")[0]
    status, _ = Operator(prepared, "rotate-the-key", modules).does("doctor --static")
    report(f"key added, exchanged, removed: {seen} for a session that came by at each step")
    assert seen == [200, 200, 200]
    assert status == 0


async def test_stuck_queue(prepared: Trial, faults: Faults, report: Report) -> None:
    for name in list(prepared.processes):
        faults.kill(name, family=True)
    await faults.fetch("DELETE FROM seamark.task_worker")
    task = await faults.enqueue("note", key="stuck")
    operator = Operator(prepared, "stuck-queue")

    _, queues = await asyncio.to_thread(operator.does, "tasks queues")
    _, workers = await asyncio.to_thread(operator.does, "tasks workers")
    _, queued = await asyncio.to_thread(operator.does, "tasks list --status queued")
    status, _ = await asyncio.to_thread(operator.does, "tasks schedules")
    await faults.worker("again")
    await faults.until(lambda: faults.ended(task))
    after, _ = await asyncio.to_thread(operator.does, "tasks queues")

    report("stuck queue: no worker, seen by its runbook; one started, the task ran")
    assert "default" in queues
    assert "No worker was seen" in workers
    assert "probe.note" in queued
    assert (status, after) == (0, 0)


async def test_dead_letters(prepared: Trial, faults: Faults, report: Report) -> None:
    async with Service(answer(500), answer(200)) as service:
        await faults.worker("letters", {"SM_OUTGOING_ALLOWED": service.address})
        task = await faults.enqueue("ask", url=service.url)
        await faults.until(lambda: faults.ended(task))
        operator = Operator(prepared, "dead-letters")
        correlation = await faults.fetchval("SELECT correlation_id FROM seamark.task WHERE id = $1", task)

        _, failed = await asyncio.to_thread(operator.does, "tasks list --status failed")
        _, shown = await asyncio.to_thread(operator.does, "tasks show", id=str(task))
        _, told = await asyncio.to_thread(operator.does, "story", correlation_id=correlation)
        status, said = await asyncio.to_thread(operator.does, "tasks retry", id=str(task))
        assert status == 0, said
        await faults.until(lambda: faults.ended(task))
        ended = await faults.state(task)
        status, _ = await asyncio.to_thread(operator.does, "tasks retry-all", name="probe.ask")
    report(f"a dead letter: found, retried by its runbook, {ended}")
    assert str(task)[:8] in failed
    assert "500" in shown
    assert "attempt failed" in told
    assert ended == "succeeded"


async def test_redis_down(prepared: Trial, faults: Faults, valkey: LastingValkey, report: Report) -> None:
    operator = Operator(prepared, "redis-down")
    async with Replicas(prepared, 1) as replicas:
        valkey.kill()
        try:
            _, said = await asyncio.to_thread(operator.does, "doctor")
            ready = (await replicas.clients[0].get("/health/ready")).status_code
        finally:
            await asyncio.to_thread(valkey.start)
    status, _ = await asyncio.to_thread(operator.does, "tasks queues")
    report(f"Redis down: sm doctor says SM014, readiness is {ready}")
    assert "SM014" in said
    assert (ready, status) == (200, 0)


async def test_slow_or_failing(prepared: Trial, faults: Faults) -> None:
    operator = Operator(prepared, "slow-or-failing")
    await faults.worker()
    task = await faults.enqueue("note", key="story")
    await faults.until(lambda: faults.ended(task))
    correlation = await faults.fetchval("SELECT correlation_id FROM seamark.task WHERE id = $1", task)

    status, said = await asyncio.to_thread(operator.does, "story", correlation_id=correlation)
    assert status == 0, said
    assert "succeeded" in said
    assert (await asyncio.to_thread(operator.does, "doctor"))[0] == 0
    assert (await asyncio.to_thread(operator.does, "psql"))[0] == 0


def fill(path: Path, *, leave: int) -> None:
    """Until so many bytes are free."""
    with path.open("wb") as file:
        while (disk := os.statvfs(path.parent)).f_bavail * disk.f_frsize > leave:
            file.write(b"\0" * (1 << 16))
            file.flush()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """``folder`` is one of its own while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def filled() -> Iterator[Trial]:
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    from host.dev.environment import CLONE

    folder = data_home(CLONE) / f"small-disk-{os.getpid()}"
    make_folder(folder)
    try:
        # Of Postgres alone.
        with small_disk(folder / "postgres"):
            installation = Trial(folder, durable=True)
            try:
                installation.prepare()
                yield installation
            finally:
                installation.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def test_disk_full(filled: Trial, report: Report) -> None:
    operator = Operator(filled, "disk-full")
    filled.environment["SM_MODULES_ENABLED"] = "users,contacts,background_tasks"
    await asyncio.to_thread(filled.start_web)
    # Sooner than uvicorn, which ends an idle connection after 5 s: what is sent just then would be lost.
    limits = httpx.Limits(keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=filled.url, timeout=30, limits=limits) as client:
        email, password = ADMINISTRATOR
        assert (await client.post("/api/users/sign-in", json={"email": email, "password": password})).is_success
        person = {"name": "Ada", "email": "ada@example.com", "notes": "x" * 2000}
        assert (await client.post("/api/contacts", json=person)).status_code == 201
        # All but what the log needs: then the tables have no room first.
        filler = filled.folder / "postgres" / "filler"
        fill(filler, leave=1 << 17)
        statuses = []
        for number in range(400):
            written = await client.post("/api/contacts", json=person | {"email": f"ada{number}@example.com"})
            statuses.append(written.status_code)
            if written.status_code != 201:
                break
        read = (await client.get("/api/contacts")).status_code
        alive = (await client.get("/health")).status_code
        looked = [operator.does("psql")[0], operator.does("psql")[0]] if read == 200 else []
        filler.unlink()
        if has_ended := psutil.Process(filled.postgres.pid).status() == psutil.STATUS_ZOMBIE:
            await asyncio.to_thread(filled.postgres.start)
        code = written.json()["code"]
        again = 0
        for _ in range(100):
            again = (await client.post("/api/contacts", json=person | {"email": "after@example.com"})).status_code
            if again == 201:
                break
            await asyncio.sleep(0.2)
    report(
        f"disk full: {statuses.count(201)} written, then {statuses[-1]} {code}, reading {read}, liveness {alive}, Postgres "
        f"{'ended' if has_ended else 'went on'}; with room again {again}"
    )
    assert statuses[-1] == 503
    assert code in ("database.full", "database.unavailable", "request.outcome_unknown")
    assert alive == 200
    assert looked in ([0, 0], [])
    assert again == 201
