"""The image as it is built, and an installation of it, in a real engine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from host.dev.environment import CLONE

from tests.deployment.containers.engine import Engine, NoEngine, engine

CANARY = "canary-3f2b9c71d0e84a56"
PLANTED = (
    ".env",
    ".seamark/run.env",
    "host/.env.local",
    ".git/config",
    "modules/contacts/.env",
    "host/client_app/dist/own.js",
)
EPOCH = "1767225600"


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    try:
        with engine(tmp_path_factory.getbasetemp()) as found:
            yield found
    except NoEngine as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@dataclass(frozen=True)
class Build:
    """``log``: what was done and what was there already."""

    context: Path
    name: str
    log: str


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the clone, and beside them what must not get into an image."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CLONE,
        capture_output=True,
        check=True,
    )
    for name in os.fsdecode(listed.stdout).split("\0"):
        if name and (CLONE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CLONE / name, folder / name)
    for name in PLANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"SM_PLANTED={CANARY}\n")
    return folder


@pytest.fixture(scope="session")
def image(docker: Engine, context: Path) -> Iterator[Build]:
    name = "seamark:of-tests"
    log = docker.docker("build", "--tag", name, "--build-arg", "VERSION=1.2.3", str(context), errors=True)
    yield Build(context, name, log)
    docker.docker("image", "rm", "--force", name)
