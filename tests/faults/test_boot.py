"""What keeps worker and beat from starting is said in a few lines, without a traceback."""

import subprocess
import sys

import pytest
from host.trial import Trial

CELERY = [sys.executable, "-m", "celery", "-A", "background_tasks.celery_app"]


def start(command: str, trial: Trial, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CELERY, *command.split()],
        env={**trial.environment, **environment},
        cwd=trial.clone,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_settings_that_are_missing(command: str, prepared: Trial) -> None:
    ended = start(command, prepared, SM_DATABASE_URL="", SM_MODULES_ENABLED="probe,nothing")
    assert ended.returncode == 1
    assert "SM001 SM_DATABASE_URL" in ended.stderr
    assert "SM003 SM_MODULES_ENABLED asks for 'nothing', which is not installed" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["worker", "beat"])
async def test_a_database_that_is_behind(command: str, prepared: Trial, empty_database: str) -> None:
    ended = start(command, prepared, SM_DATABASE_URL=empty_database)
    assert ended.returncode == 1
    assert "SM010 the database is behind" in ended.stderr
    assert "sm migrate" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_beat_within_a_worker(prepared: Trial) -> None:
    ended = start("worker -B", prepared)
    assert ended.returncode == 1
    assert "celery -A background_tasks.celery_app beat" in ended.stderr
    assert "Traceback" not in ended.stderr
