"""What `sm dev` reads and writes in a clone."""

from pathlib import Path

import pytest
from dotenv import dotenv_values
from host.dev.environment import DevError, Workplace


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.delenv("SM_ENVIRONMENT", raising=False)
    (tmp_path / ".seamark").mkdir()
    return Workplace(tmp_path)


def test_the_environment_wins_over_the_file(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace.clone / ".env").write_text("SM_PORT=8100\nSM_DEMO=1\nOTHER=x\n")
    monkeypatch.setenv("SM_PORT", "8200")
    configured = workplace.configured()
    assert (configured["SM_PORT"], configured["SM_DEMO"]) == ("8200", "1")
    assert "OTHER" not in configured


@pytest.mark.parametrize("environment", ["production", "staging", "Development", ""])
def test_whatever_is_not_development_is_refused(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("SM_ENVIRONMENT", environment)
    with pytest.raises(DevError, match="SM_ENVIRONMENT"):
        workplace.refuse_production()


def test_a_file_that_says_production_is_refused_though_the_makefile_says_development(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace.clone / ".env").write_text("SM_ENVIRONMENT=production\n")
    monkeypatch.setenv("SM_ENVIRONMENT", "development")
    with pytest.raises(DevError, match=r"in \.env"):
        workplace.refuse_production()


def test_nothing_said_is_development(workplace: Workplace) -> None:
    workplace.refuse_production()


def test_the_secret_key_is_made_once_and_private(workplace: Workplace) -> None:
    key = workplace.secret_key()
    assert len(key) >= 43
    assert workplace.secret_key() == key
    assert (workplace.folder / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_description_of_the_run_is_private_and_read_as_it_was_written(workplace: Workplace) -> None:
    values = {"SM_DATABASE_URL": "postgresql+asyncpg://a:b'c\\d#e$f@127.0.0.1/x", "SM_PORT": "8000"}
    workplace.run_env.write_text("left behind by an earlier run")
    workplace.write_run_env(values)
    assert dotenv_values(workplace.run_env) == values
    assert workplace.run_env.stat().st_mode & 0o777 == 0o600
