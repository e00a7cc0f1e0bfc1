"""The workflows, as far as can be told without running them: their schema, what zizmor finds, and what must stay so."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent
is_pinned = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+").search


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / name).read_text())["jobs"]
    return found


def after(name: str, job: str) -> set[str]:
    """Every job that has succeeded before this one begins."""
    said = jobs(name)[job].get("needs", [])
    direct = {said} if isinstance(said, str) else set(said)
    return direct.union(*(after(name, other) for other in direct))


def test_they_are_what_the_schema_allows() -> None:
    subprocess.run([BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS], check=True)


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", FOLDER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit_and_version(path: Path) -> None:
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert all(is_pinned(line) for line in used)


def test_only_what_publishes_or_signs_may_speak_for_the_repository() -> None:
    trusted = {name for name, job in jobs("release.yml").items() if "id-token" in job.get("permissions", {})}
    assert trusted == {"provenance", "image", "pypi", "npm"}
    for name in ("pypi", "npm"):
        assert jobs("release.yml")[name]["environment"] == name


def test_nothing_is_public_before_all_of_it_is_tested_and_built() -> None:
    for name in ("pypi", "npm"):
        assert after("release.yml", name) >= {"version", "tests", "packages", "image"}
        assert jobs("release.yml")[name]["if"] == "github.event_name == 'push'"
    assert after("release.yml", "image") >= {"tests", "packages"}


@pytest.mark.parametrize(("version", "tag"), [("1.4.0", "latest"), ("1.4.0rc1", "next")])
def test_a_candidate_is_not_what_npm_installs_unasked(version: str, tag: str, tmp_path: Path) -> None:
    (tmp_path / "python3").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "python3").chmod(0o755)
    step = jobs("release.yml")["npm"]["steps"][-1]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "VERSION": version}
    said = subprocess.run(
        ["bash", "-e", "-c", step["run"]], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said.split()[-2:] == ["--tag", tag]


def test_the_image_says_what_is_in_it_and_where_it_is_from() -> None:
    steps = {step.get("id"): step for step in jobs("release.yml")["image"]["steps"]}
    build = steps["build"]["with"]
    assert (build["provenance"], build["sbom"]) == ("mode=max", True)
    assert build["outputs"] == "type=image,push=${{ github.event_name == 'push' }},rewrite-timestamp=true"
    assert "latest" not in build["tags"]
