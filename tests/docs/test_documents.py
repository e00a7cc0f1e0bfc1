"""What the documents point to is there."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from host.dev.environment import CLONE

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
FILE = re.compile(r"(?<![\w/…])[\w./-]+\.(?:py|tsx?|toml|css)\b")


@cache
def files() -> list[str]:
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=CLONE, text=True)
    return [name for name in listed.split("\0") if name and (CLONE / name).exists()]


def documents() -> list[str]:
    return [name for name in files() if name.endswith(".md")]


@pytest.mark.parametrize("name", documents())
def test_every_link_leads_to_a_file(name: str) -> None:
    document = CLONE / name
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/modules.md"])
def test_every_file_that_is_named_exists(name: str) -> None:
    known = {f"/{path}" for path in files()}
    named = set(FILE.findall((CLONE / name).read_text()))
    assert {path for path in named if not any(file.endswith(f"/{path.lstrip('/')}") for file in known)} == set()


def test_the_index_lists_every_decision() -> None:
    decisions = CLONE / "docs" / "decisions"
    index = set(LINK.findall((decisions / "README.md").read_text()))
    assert {path.name for path in decisions.glob("0*.md")} == {Path(link).name for link in index if link[0] == "0"}


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = [path.name[:4] for path in (CLONE / "docs" / "decisions").glob("0*.md")]
    assert len(numbers) == len(set(numbers))
