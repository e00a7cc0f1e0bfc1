"""``sm psql`` finds the database where the application does."""

import os
import shutil
from pathlib import Path

import pytest
from host.dev.environment import DevError, Workplace
from host.dev.psql import replace_by_psql

URL = "postgresql+asyncpg://ada:l%40ve@db.example.com:6432/seamark"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What psql is told, instead of psql."""
    told: dict[str, str] = {}
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "execve", lambda program, arguments, environment: told.update(environment))
    for name in ("SM_DATABASE_URL", "SM_DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    return told


def test_the_address_may_be_a_secret_in_a_file(
    opened: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "address").write_text(f"{URL}\n")
    monkeypatch.setenv("SM_DATABASE_URL_FILE", str(tmp_path / "address"))
    replace_by_psql(Workplace(tmp_path), [])
    names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")
    assert [opened[name] for name in names] == ["db.example.com", "6432", "ada", "l@ve", "seamark"]


def test_without_an_address_it_says_so(opened: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DevError, match="No database"):
        replace_by_psql(Workplace(tmp_path), [])
    assert opened == {}
