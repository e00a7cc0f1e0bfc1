"""What stands in front of the processes, as it is shipped, in front of real ones."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.deployment.nginx import Nginx, program
from tests.faults.conftest import faults, figures, long, prepared, report, valkey

# The throw-away installation is the one of the fault tests.
__all__ = ["faults", "figures", "long", "prepared", "report", "valkey"]

type StartNginx = Callable[..., Nginx]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def start_nginx(tmp_path: Path) -> Iterator[StartNginx]:
    """``start_nginx(ports)``: the shipped nginx in front of replicas at these ports; its options are those of ``Nginx``."""
    numbers = count()
    if program() is None:
        message = "no nginx found: `apt install nginx`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with ExitStack() as stack:
        yield lambda ports=(), **options: stack.enter_context(
            Nginx(tmp_path / f"nginx-{next(numbers)}", ports, **options)
        )
