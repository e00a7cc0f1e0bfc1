"""One version for every package, and the command that changes it everywhere."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from host.release import BROWSER, CHANGELOG, NPM_LOCK, PYTHON, UV_LOCK, members, problems, versions, write

CLONE = Path(__file__).parents[2]
TODAY = date(2031, 4, 5)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for path in [*members(CLONE, PYTHON + BROWSER), *(CLONE / name for name in (NPM_LOCK, UV_LOCK, CHANGELOG))]:
        target = tmp_path / path.relative_to(CLONE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / CHANGELOG).write_text("# Changelog\n\n## [Unreleased]\n\n- More.\n\n## [0.1.0] 2026-01-01\n")
    return tmp_path


def test_every_package_of_the_clone_has_the_same_version_and_asks_for_it() -> None:
    assert list(problems(CLONE, None)) == []


def test_a_new_version_is_written_everywhere_and_nothing_else_is(clone: Path) -> None:
    before = {path: path.read_text().splitlines() for path in clone.rglob("*") if path.is_file()}
    changed = write(clone, "7.8.9rc1", TODAY)

    assert {version for _, version in versions(clone)} == {"7.8.9rc1"}
    assert set(changed) == set(before)
    for path in changed:
        lines = path.read_text().splitlines()
        different = [new for old, new in zip(before[path], lines, strict=True) if old != new]
        assert different
        assert all("7.8.9rc1" in line for line in different)


def test_the_heading_of_what_was_unreleased_gets_version_and_day(clone: Path) -> None:
    write(clone, "7.8.9", TODAY)
    assert (
        clone / CHANGELOG
    ).read_text() == "# Changelog\n\n## [7.8.9] 2031-04-05\n\n- More.\n\n## [0.1.0] 2026-01-01\n"


def test_a_tag_is_held_against_versions_and_changelog(clone: Path) -> None:
    write(clone, "7.8.9", TODAY)
    assert list(problems(clone, "v7.8.9")) == []
    told = list(problems(clone, "v7.9.0"))
    assert "CHANGELOG.md has no dated heading for 7.9.0" in told
    assert "framework/pyproject.toml: version is 7.8.9, not 7.9.0" in told
    assert any("is no v and a version" in problem for problem in problems(clone, "v7.9"))


def test_one_that_was_forgotten_is_told(clone: Path) -> None:
    path = clone / "modules/users/frontend/package.json"
    path.write_text(path.read_text().replace('"@seamark/ui": "', '"@seamark/ui": "9'))
    assert [problem.split(" is ")[0] for problem in problems(clone, None)] == [
        "modules/users/frontend/package.json: @seamark/ui"
    ]


def test_packages_for_the_browser_stay_private() -> None:
    """They are TypeScript sources for this clone's build; docs/release.md says what to do before one is published."""
    listed = subprocess.run(
        ["git", "grep", "-L", '"private": true', "--", "*package.json"],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.stdout == ""
