"""`sm dev` as a whole: every process it starts, the address it prints, and what it leaves behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest
from framework.embedded import data_home
from framework.embedded.ending import still_running
from framework.embedded.ports import free_port, next_free_port
from host.dev import node
from host.dev.environment import CLONE

SM_DEV = """
import sys
from pathlib import Path
from host.dev import stack
from host.dev.console import Console
from host.dev.environment import Workplace
stack.run(Workplace(Path(sys.argv[1])), Console(), None)
"""
OWN = (".seamark", ".env", ".git")


def without_settings() -> dict[str, str]:
    """Those of this test run are not for what it starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SM_")}


class Run:
    """One ``sm dev`` in a clone, and what it has printed."""

    def __init__(self, clone: Path, output: Path, port: int) -> None:
        self.clone = clone
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SM_DEV, str(clone)],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**without_settings(), "SM_PORT": str(port)},
            )

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def value(self, label: str) -> str:
        """What the banner says under a label."""
        return next(line.split()[1] for line in self.printed.splitlines() if line.strip().startswith(f"{label} "))

    @property
    def port(self) -> int:
        return int(self.value("Address").rpartition(":")[2])

    def until(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + 90
        while self.printed.count(text) < times:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.05)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str, other_than: psutil.Process | None = None) -> psutil.Process:
        """Our own child with a word in its command line; waits for it."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for child in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):
                    if word in child.cmdline() and child != other_than:
                        return child
            time.sleep(0.05)
        raise AssertionError(f"no {word}: {self.printed}")

    def answer(self, path: str, method: str = "GET", body: object = None) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"host": f"localhost:{self.port}", "content-type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def is_ready(self) -> bool:
        # Vite holds a request while the web process restarts, which may be longer than this connection lasts.
        with suppress(OSError, HTTPException):
            return self.answer("/health/ready")[0] == 200
        return False

    def until_ready(self) -> None:
        deadline = time.monotonic() + 90
        while not self.is_ready():
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """The seconds until it had ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The code of this clone, with servers and data of its own."""
    subprocess.run([sys.executable, "-m", "host.dev.node", "npx", "--version"], check=True, stdout=subprocess.DEVNULL)
    assert not node.is_outdated()
    clone = tmp_path_factory.mktemp("clone")
    for entry in CLONE.iterdir():
        if entry.name not in OWN:
            (clone / entry.name).symlink_to(entry)
    yield clone
    shutil.rmtree(data_home(clone))


@contextmanager
def started(clone: Path, output: Path, port: int) -> Iterator[Run]:
    run = Run(clone, output, port)
    try:
        run.until("Stop        Ctrl-C")
        yield run
    finally:
        if run.process.poll() is None:
            run.end()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="class")
def first(clone: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with started(clone, tmp_path_factory.mktemp("first") / "output", port) as run:
        yield run


class TestWhileItRuns:
    def test_pages_api_and_browser_code_have_one_address(self, first: Run) -> None:
        assert "<html" in first.answer("/")[1]
        assert first.answer("/api/app")[0] == 200
        assert first.answer("/build/src/main.tsx")[0] == 200

    def test_the_printed_administrator_signs_in(self, first: Run) -> None:
        credentials = {"email": first.value("E-mail"), "password": first.value("Password")}
        assert first.answer("/api/users/sign-in", "POST", credentials)[0] == 204

    def test_the_password_is_printed_once_and_kept_nowhere(self, first: Run) -> None:
        password = first.value("Password")
        assert first.printed.count(password) == 1
        written = [path for path in (first.clone / ".seamark").rglob("*") if path.is_file() and not path.is_symlink()]
        assert not [path for path in written if password.encode() in path.read_bytes()]

    def test_other_commands_of_the_clone_find_the_servers(self, first: Run) -> None:
        env = without_settings()
        done = subprocess.run(
            [sys.executable, "-m", "host.cli", "migrate", "--check"], cwd=first.clone, env=env, check=False
        )
        assert done.returncode == 0

    def test_a_second_start_is_told_where_the_first_one_is(self, first: Run, tmp_path: Path) -> None:
        second = Run(first.clone, tmp_path / "output", first.port)
        assert second.process.wait(30) != 0
        assert f"http://localhost:{first.port}, process {first.process.pid}" in second.printed

    @pytest.mark.parametrize("word", ["uvicorn", "worker", "-D"], ids=["web", "worker", "Postgres"])
    def test_what_is_killed_comes_back(self, first: Run, word: str) -> None:
        message = "(killed by SIGKILL); starting it again"
        before = first.printed.count(message)
        victim = first.child(word)
        victim.kill()
        first.until(message, before + 1)
        first.until_ready()
        assert first.child(word, other_than=victim).is_running()


def test_after_a_kill_9_the_next_start_works_at_the_same_address_and_ctrl_c_leaves_nothing(
    clone: Path, port: int, tmp_path: Path
) -> None:
    with started(clone, tmp_path / "killed", port) as run:
        killed = run.children()
        run.process.kill()
        run.process.wait()
    with started(clone, tmp_path / "next", port) as run:
        assert run.port == port
        assert run.is_ready()
        assert still_running(killed, 0) == []
        children = run.children()
        assert run.end(signal.SIGINT) < 5
        assert run.process.returncode == 0
    assert still_running(children, 0) == []
    assert not (clone / ".seamark/dev.lock").exists()
    assert not (clone / ".seamark/run.env").exists()


def test_a_taken_port_is_passed_over_and_a_start_that_is_cut_short_leaves_nothing(
    clone: Path, port: int, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        run = Run(clone, tmp_path / "output", port)
        run.until(f"Port {port} is taken, using {next_free_port(port + 1)}")
        run.until("Postgres ready")
        children = run.children()
        assert run.end(signal.SIGTERM) < 5
    assert still_running(children, 0) == []
    assert not (clone / ".seamark/run.env").exists()
