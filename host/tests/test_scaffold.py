"""A new module's name is refused when it would not work, and what is written passes the gates."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host.dev.environment import CLONE
from host.scaffold.names import Names, objections
from host.scaffold.writing import write


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Notes", "is not a lower-case Python identifier"),
        ("class", "is a keyword of Python"),
        ("select", "is an SQL keyword"),
        ("os", "is a module of Python's standard library"),
        ("pg_notes", "is reserved"),
        ("docs", "is reserved"),
        ("contacts", "exists already"),
        ("fastapi", "is the name of an installed Python package"),
    ],
)
def test_a_name_that_would_not_work_is_refused_with_its_reason(name: str, reason: str) -> None:
    assert [objection for objection in objections(Names.of(name), CLONE) if reason in objection]


def test_a_usable_name_is_not_refused() -> None:
    assert list(objections(Names.of("meeting_rooms"), CLONE)) == []


@pytest.mark.parametrize(
    ("name", "item"),
    [("notes", "note"), ("companies", "company"), ("billing", "billing"), ("glass", "glass")],
)
def test_one_of_its_things_is_called_by_the_singular(name: str, item: str) -> None:
    assert Names.of(name).item == item


@pytest.mark.parametrize("name", ["notes", "meeting_rooms", "billing"])
def test_what_is_written_is_formatted_and_free_of_findings(name: str, tmp_path: Path) -> None:
    (tmp_path / "host/client_app").mkdir(parents=True)
    shutil.copy(CLONE / "host/client_app/package.json", tmp_path / "host/client_app")
    shutil.copy(CLONE / "pyproject.toml", tmp_path)
    write(Names.of(name), tmp_path)
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "modules"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_no_placeholder_is_left(tmp_path: Path) -> None:
    (tmp_path / "host/client_app").mkdir(parents=True)
    shutil.copy(CLONE / "host/client_app/package.json", tmp_path / "host/client_app")
    for path in write(Names.of("notes"), tmp_path):
        assert "NAME" not in path.name
        assert "ITEMS" not in path.name
        assert "$name" not in path.read_text()
