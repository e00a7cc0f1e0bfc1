"""Names of processes: each has its own, few are ever used, and nobody else can look."""

from pathlib import Path

import pytest
from framework.metrics.slots import folder, slot, sockets


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder(9464)


def test_each_process_has_the_lowest_that_is_free(place: Path) -> None:
    with slot(place, "web") as first:
        with slot(place, "web") as second, slot(place, "worker") as other:
            assert [path.name for path in (first, second, other)] == ["web-1.sock", "web-2.sock", "worker-1.sock"]
        with slot(place, "web") as third:
            assert third == second


def test_what_a_killed_process_left_behind_is_cleared_by_the_next(place: Path) -> None:
    (place / "web-1.lock").touch()
    (place / "web-1.sock").touch()
    assert sockets(place) == [place / "web-1.sock"]
    with slot(place, "web") as path:
        assert not path.exists()


def test_only_its_user_may_look_into_the_folder(place: Path) -> None:
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    with pytest.raises(PermissionError, match="not a folder of this user alone"):
        folder(9464)


def test_a_link_in_its_place_is_refused(place: Path, tmp_path: Path) -> None:
    place.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    place.symlink_to(elsewhere)
    with pytest.raises(PermissionError):
        folder(9464)
