"""A throw-away installation whose processes are there to be killed, with the module ``probe`` beside its own.

Each test here is short unless it is asked for ``--long`` (``make faults long=1``): then it is what the bar demands.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from host.trial import Trial, trial

from tests.faults.faults import MODULES, SHARED, Faults
from tests.faults.figures import renew
from tests.faults.servers import LastingValkey

type Report = Callable[[str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Trial]:
    with trial(durable=True, valkey=LastingValkey) as running:
        running.environment |= {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(MODULES), os.environ.get("PYTHONPATH")])),
            "SM_MODULES_ENABLED": "background_tasks,probe",
            "SM_BACKGROUND_TASKS_REPUBLISH_AFTER": "2",
            "SM_LOG_FORMAT": "json",
            "TMPDIR": str(running.folder),
        }
        yield running


@pytest.fixture
async def faults(prepared: Trial) -> AsyncIterator[Faults]:
    faults = Faults(prepared)
    await faults.clean()
    yield faults
    for name in prepared.processes.keys() - {SHARED}:
        faults.kill(name)
    await faults.close()


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest, long: bool) -> Iterator[dict[str, list[str]]]:
    """By test. Kept for the documents with ``--figures``."""
    figures: dict[str, list[str]] = {}
    yield figures
    if request.config.getoption("--figures"):
        renew(figures, long=long)


@pytest.fixture
def report(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], figures: dict[str, list[str]]) -> Report:
    """Prints the figures that a test is run for."""

    def report(line: str) -> None:
        figures.setdefault(request.node.nodeid, []).append(line)
        with capsys.disabled():
            print(f"\n{line}")  # noqa: T201

    return report


@pytest.fixture
def valkey(prepared: Trial) -> LastingValkey:
    assert isinstance(prepared.valkey, LastingValkey)
    return prepared.valkey
