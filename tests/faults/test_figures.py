from pathlib import Path

from tests.faults.figures import renew, told


def test_what_was_run_is_renewed_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    (tmp_path / "test_a.py").touch()
    (tmp_path / "test_b.py").touch()

    renew({"test_a.py::one": ["1 of 2"], "test_b.py::two[x]": ["a | b", "c"]}, long=True, page=page, tests=tmp_path)
    renew({"test_a.py::one": ["0 of 2"]}, long=False, page=page, tests=tmp_path)

    assert told(page.read_text()) == {"test_a.py::one": (False, "0 of 2"), "test_b.py::two[x]": (True, "a \\| b<br>c")}


def test_a_test_that_is_gone_goes(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    renew({"test_gone.py::one": ["1"]}, long=False, page=page, tests=tmp_path)

    assert told(page.read_text()) == {}
