"""Only one at a time, and never a stale lock."""

import subprocess
import sys
from pathlib import Path

from framework.embedded.lock import FileLock

HOLDER = """
import sys
from pathlib import Path
from framework.embedded.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
lock.write("4711 http://localhost:8000")
input()
"""


def test_a_second_holder_is_refused_and_can_read_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = FileLock(path), FileLock(path)
    assert first.acquire()
    first.write("4711 http://localhost:8000")
    assert not second.acquire()
    assert path.read_text() == "4711 http://localhost:8000"


def test_a_release_leaves_nothing(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.acquire()
    lock.release()
    assert list(tmp_path.iterdir()) == []
    assert FileLock(tmp_path / "lock").acquire()


def test_a_killed_holder_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not FileLock(path).acquire()
        holder.kill()
        holder.wait()
        assert path.exists()
        assert FileLock(path).acquire()
