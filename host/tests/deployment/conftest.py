"""Shipped files with one thing changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.examine import Examine

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))


@pytest.fixture
def codes() -> Callable[[Examine, Path], set[str]]:
    """``codes(examine, clone)``: of all that is found there."""
    return lambda examine, clone: {finding.code for finding in examine(clone, MODULES)}


@pytest.fixture
def mutated(tmp_path: Path) -> Callable[..., Path]:
    """``mutated("supervisor", "seamark.conf", (old, new), …)``: a clone that has only these files, changed."""

    def mutated(part: str, file: str, *changes: tuple[str, str]) -> Path:
        shutil.copytree(CLONE / "deploy" / part, tmp_path / "deploy" / part)
        path = tmp_path / "deploy" / part / file
        text = path.read_text()
        for old, new in changes:
            assert old in text, f"{file} has no {old}"
            text = text.replace(old, new)
        path.write_text(text)
        return tmp_path

    return mutated
