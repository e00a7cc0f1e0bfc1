"""Places for embedded servers that an unprivileged user can reach when the tests run as root, and that go afterwards."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from framework.embedded import EmbeddedPostgres, data_home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = data_home(tmp_path)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One for all tests that only look at it."""
    home = data_home(tmp_path_factory.mktemp("running"))
    with EmbeddedPostgres(home / "postgres", durable=False) as postgres:
        yield postgres
    shutil.rmtree(home)
