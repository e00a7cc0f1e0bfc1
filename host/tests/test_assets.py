"""``sm assets copy``: what a proxy serves, over several releases."""

import os
from pathlib import Path

import pytest
from framework.findings import BootError
from host.assets import DAY, Copied, copy_build
from typer.testing import CliRunner

from host import cli, shell

KEEP = 30 * DAY
BEGAN = 1_700_000_000.0


def build(folder: Path, *names: str) -> Path:
    """A built application with these files, each holding its own name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return tmp_path / "served"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


ONE = ("favicon.svg", "assets/vendor-AAAAAAAA.js", "assets/main-11111111.js", "assets/main-11111111.js.gz")
TWO = ("favicon.svg", "assets/vendor-AAAAAAAA.js", "assets/main-22222222.js", "assets/main-22222222.js.gz")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return build(tmp_path / "one", *ONE, ".vite/manifest.json")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return build(tmp_path / "two", *TWO, ".vite/manifest.json")


def test_the_chunks_of_earlier_builds_stay_until_they_are_old(one: Path, two: Path, served: Path) -> None:
    assert copy_build(one, served, keep=KEEP, now=BEGAN) == Copied(added=4, kept=0, removed=0)
    assert copy_build(two, served, keep=KEEP, now=BEGAN + KEEP) == Copied(added=2, kept=4, removed=0)
    assert files(served) == {*ONE, *TWO}
    assert copy_build(two, served, keep=KEEP, now=BEGAN + KEEP + 1) == Copied(added=0, kept=4, removed=2)
    assert files(served) == set(TWO)


def test_a_build_that_is_rolled_back_to_is_new_again(one: Path, two: Path, served: Path) -> None:
    for number, built in enumerate((one, two, one)):
        copy_build(built, served, keep=KEEP, now=BEGAN + number * DAY)
    copy_build(two, served, keep=KEEP, now=BEGAN + 2 * DAY + KEEP)
    assert set(ONE) <= files(served)


def test_nothing_is_removed_that_no_build_has_made(one: Path, served: Path) -> None:
    own = {"robots.txt", "assets/logo.svg", "other/main-33333333.js"}
    build(served, *own)
    for name in own:
        os.utime(served / name, (0, 0))
    copy_build(one, served, keep=KEEP, now=BEGAN)
    assert own <= files(served)


def test_a_file_that_changed_is_replaced_and_every_user_may_read_it(one: Path, served: Path) -> None:
    build(served, "favicon.svg")
    (one / "favicon.svg").write_text("another")
    (one / "favicon.svg").chmod(0o600)
    copy_build(one, served, keep=KEEP, now=BEGAN)
    assert (served / "favicon.svg").read_text() == "another"
    assert (served / "favicon.svg").stat().st_mode & 0o777 == 0o644


def test_a_copy_that_fails_leaves_what_was_there(one: Path, served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(served, "favicon.svg")

    def full(source: Path, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space"):
        copy_build(one, served, keep=KEEP, now=BEGAN)
    assert files(served) == {"favicon.svg"}
    assert (served / "favicon.svg").read_text() == "favicon.svg"


def test_where_nothing_is_built_nothing_is_touched(tmp_path: Path, served: Path) -> None:
    build(served, "favicon.svg")
    with pytest.raises(BootError, match="SM016"):
        copy_build(tmp_path / "nothing", served, keep=KEEP, now=BEGAN)
    assert files(served) == {"favicon.svg"}


def test_the_command_says_what_it_did(one: Path, served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "DIST", one)
    said = [CliRunner().invoke(cli.app, ["assets", "copy", str(served)]).output for _ in range(2)]
    assert said == [f"{served}: 4 added, 0 kept, 0 removed\n", f"{served}: 0 added, 4 kept, 0 removed\n"]
