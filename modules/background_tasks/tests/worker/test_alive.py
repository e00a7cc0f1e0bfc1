"""``sm worker-alive`` judges the file that a worker's loop touches."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from background_tasks.beat.following import LONGEST_PAUSE
from background_tasks.beat.scheduler import LONGEST_TICK
from background_tasks.worker.alive import BEAT, LONGEST_SILENCE, AliveFile, folder, judge, quick, quick_beat


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder()


@pytest.fixture
def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(name: str, *, age: float = 0, pid: int | None = None) -> Path:
    AliveFile(name).touch("consumes default")
    path = folder() / f"{name}.alive"
    if pid is not None:
        path.write_text(f"{pid}\nconsumes default\n")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_a_worker_that_gave_a_sign_of_life_just_now_is_alive() -> None:
    write("one@host")
    assert judge() == (True, "one@host consumes default")


def test_the_answer_is_what_it_does_just_now() -> None:
    file = AliveFile("one@host")
    file.touch("consumes default")
    file.touch("waits for the broker")
    assert judge() == (True, "one@host waits for the broker")


def test_one_that_has_been_silent_for_long_is_not() -> None:
    write("one@host", age=LONGEST_SILENCE + 2)
    alive, why = judge()
    assert not alive
    assert why.startswith("one@host has given no sign of life for 3")


def test_one_that_was_killed_is_not_however_fresh_its_file(ended_pid: int) -> None:
    write("one@host", pid=ended_pid)
    assert judge() == (False, "one@host does not run any more")


def test_none_at_all_is_not(place: Path) -> None:
    assert judge() == (False, f"a worker has left no sign of life in {place}")


def test_one_that_ended_in_good_order_leaves_nothing_behind() -> None:
    file = AliveFile("one@host")
    file.touch("consumes default")
    file.remove()
    assert not judge()[0]


def test_of_several_all_have_to_be_alive() -> None:
    write("one@host")
    write("two@host", age=LONGEST_SILENCE + 2)
    alive, why = judge()
    assert not alive
    assert "two@host has given no sign" in why
    assert judge("one") == (True, "one@host consumes default")
    assert not judge("two@host")[0]


def test_what_a_killed_one_left_behind_does_not_hide_one_that_runs(ended_pid: int) -> None:
    write("old@host", pid=ended_pid)
    write("new@host")
    assert judge() == (True, "new@host consumes default")


def test_only_this_user_gets_into_the_folder(place: Path) -> None:
    write("one@host")
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_may_write_to_is_refused(place: Path) -> None:
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    with pytest.raises(PermissionError, match="of this user alone"):
        AliveFile("one@host")


@pytest.mark.parametrize("words", [[], ["--name", "one"], ["-n", "one@host"]])
def test_a_probe_gets_its_answer_at_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write("one@host")
    assert quick(words) == 0
    assert capsys.readouterr().out == "one@host consumes default\n"
    write("one@host", age=LONGEST_SILENCE + 2)
    assert quick(words) == 1


@pytest.mark.parametrize("words", [["--help"], ["--name"], ["--nmae", "one"]])
def test_everything_else_is_left_to_the_whole_command_line(words: list[str]) -> None:
    assert quick(words) is None


def test_a_probe_imports_next_to_nothing() -> None:
    """It runs every few seconds: start and imports of the whole command line would be most of a small container's time."""
    script = "import sys; sys.argv = ['sm', 'worker-alive']\nfrom host.sm import main\ntry: main()\n"
    script += "except SystemExit: print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"host", "background_tasks"} <= loaded
    assert not loaded & {
        "typer",
        "rich",
        "framework",
        "pydantic",
        "celery",
        "kombu",
        "sqlalchemy",
        "fastapi",
        "structlog",
    }


def test_beats_and_workers_are_asked_apart(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write("one@host", age=LONGEST_SILENCE + 2)
    assert quick_beat([]) == 1
    AliveFile("beat-7", BEAT).touch("looks at its schedules")
    assert quick_beat([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"a beat has left no sign of life in {place}",
        "beat-7 looks at its schedules",
    ]
    assert not judge()[0]


def test_a_beat_may_be_silent_for_as_long_as_it_pauses_and_looks() -> None:
    assert LONGEST_PAUSE + LONGEST_TICK < LONGEST_SILENCE
