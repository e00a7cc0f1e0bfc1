"""gunicorn with the shipped configuration, both with uvicorn's worker and with its own."""

import pytest
from framework.embedded.ports import free_port
from host.dev.environment import CLONE
from host.trial import Trial

from tests.deployment.managed import Managed, exercise
from tests.faults.conftest import Report

CONFIGURATION = CLONE / "deploy" / "gunicorn" / "gunicorn.conf.py"


class Gunicorn(Managed):
    def __init__(self, trial: Trial, *options: str) -> None:
        port = free_port()
        command = ["gunicorn", "-c", str(CONFIGURATION), "-b", f"127.0.0.1:{port}", *options, "host.main:app"]
        super().__init__(trial, command, port)


@pytest.mark.parametrize("options", [(), ("-k", "asgi")], ids=["uvicorn", "asgi"])
async def test_serves_heals_scales_reloads_and_drains(
    prepared: Trial, report: Report, options: tuple[str, ...]
) -> None:
    async with Gunicorn(prepared, *options) as gunicorn:
        await exercise(gunicorn, report)
