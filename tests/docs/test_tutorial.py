"""docs/tutorial.md does what it says: its blocks are run in a fresh clone beside a real ``make dev``."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from framework.embedded import data_home
from framework.embedded.ports import free_port
from host.dev.environment import CLONE
from host.trial import answers

pytestmark = pytest.mark.e2e
TUTORIAL = CLONE / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<path>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 240.0


def script() -> str:
    """The whole page as one shell script: commands as they are, patches applied, files written."""
    steps = ["set -euo pipefail"]
    for block in BLOCK.finditer(TUTORIAL.read_text()):
        kind, path, text = block["kind"], block["path"], block["text"]
        if kind == "sh":
            steps.append(text)
        elif kind == "diff":
            steps.append(f"git apply <<'END'\n{text}END\n")
        elif path is not None:
            steps.append(f"cat > {path} <<'END'\n{text}END\n")
        else:
            assert kind == "text", f"a {kind} block that nobody would run"
    return "\n".join(steps)


def test_the_tutorial_works_as_it_is_written(clone: Path) -> None:
    environment = plain_environment()
    with make_dev(clone, environment):
        done = subprocess.run(
            ["bash", "-c", script()],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8000:]
    with make_dev(clone, environment) as address, urlopen(f"{address}/api/app") as answer:
        assert '"notes"' in answer.read().decode()


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """What a `git clone` of the working tree would be."""
    folder = tmp_path / "clone"
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=CLONE, text=True)
    for name in filter(None, listed.split("\0")):
        if (CLONE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CLONE / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    # Only to save a minute: what the type checker knows of these very files.
    if (CLONE / ".mypy_cache").is_dir():
        shutil.copytree(CLONE / ".mypy_cache", folder / ".mypy_cache")
    yield folder
    if data_home(folder) != folder / ".seamark":
        shutil.rmtree(data_home(folder))


def plain_environment() -> dict[str, str]:
    """Of somebody who has just opened a terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SM_", "PYTEST_", "UV_RUN"))}
    kept.pop("VIRTUAL_ENV", None)
    return kept | {"SM_PORT": str(free_port())}


@contextmanager
def make_dev(clone: Path, environment: dict[str, str]) -> Iterator[str]:
    """`make dev` until the end of the block; its address."""
    address = f"http://localhost:{environment['SM_PORT']}"
    log = clone / ".seamark" / "make-dev.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["make", "dev"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(f"{address}/health/ready"):
            in_time = process.poll() is None and time.monotonic() < deadline
            assert in_time, log.read_text()[-8000:]
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
