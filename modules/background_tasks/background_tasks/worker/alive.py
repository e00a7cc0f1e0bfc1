"""Whether a worker consumes, and a beat looks, as its own loop says it: in a file, so that a probe can ask often.

Imports next to nothing: ``sm worker-alive`` is to answer within a tenth of a second.
"""

import os
import stat
import time
from pathlib import Path

LONGEST_SILENCE = 30.0
WORKER = ".alive"
BEAT = ".beats"
NAMES = {WORKER: "a worker", BEAT: "a beat"}


def folder() -> Path:
    """Below ``TMPDIR``, for the worker and for its probe: one for each user, and closed to the others."""
    return Path(os.environ.get("TMPDIR") or "/tmp") / f"seamark-{os.getuid()}"  # noqa: S108 - refused where it is another's


class AliveFile:
    """Written by the worker ``name``, or by a beat. Its modification time is the last sign of life; it holds the process id and a state.

    Raises ``OSError`` where the folder cannot be had.
    """

    def __init__(self, name: str, kind: str = WORKER) -> None:
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{place} is not a folder of this user alone")
        self._path = place / (name.replace("/", "_") + kind)
        self._state = ""

    def touch(self, state: str) -> None:
        if state != self._state or not self._path.exists():
            # Replaced as a whole: the probe may read it at any moment.
            written = self._path.with_suffix(".new")
            written.write_text(f"{os.getpid()}\n{state}\n")
            written.replace(self._path)
            self._state = state
        os.utime(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def judge(name: str = "", kind: str = WORKER) -> tuple[bool, str]:
    """Whether the workers here, or only the one called ``name`` (``-n name`` or ``name@host``), are alive; and why."""
    files = [path for path in _files(kind) if not name or path.stem == name or path.stem.partition("@")[0] == name]
    if not files:
        return False, f"{name or NAMES[kind]} has left no sign of life in {folder()}"
    running = [path for path in files if _runs(path)]
    if not running:
        return False, f"{files[0].stem} does not run any more"
    verdicts = [_judge(path) for path in running]
    return all(alive for alive, _ in verdicts), "; ".join(text for _, text in sorted(verdicts))


def _files(kind: str) -> list[Path]:
    try:
        return sorted(path for path in folder().iterdir() if path.name.endswith(kind))
    except OSError:
        return []


def _runs(path: Path) -> bool:
    """A worker that was killed leaves its file behind."""
    try:
        os.kill(int(path.read_text().split()[0]), 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


def _judge(path: Path) -> tuple[bool, str]:
    silence = time.time() - path.stat().st_mtime
    if silence > LONGEST_SILENCE:
        return False, f"{path.stem} has given no sign of life for {silence:.0f} s"
    return True, f"{path.stem} {path.read_text().splitlines()[1]}"


def quick(arguments: list[str]) -> int | None:
    """``sm worker-alive [--name NAME]``; ``None`` for what only the whole command line can answer."""
    match arguments:
        case []:
            name = ""
        case ["--name" | "-n", name]:
            pass
        case _:
            return None
    alive, why = judge(name)
    print(why)  # noqa: T201 - what the command answers
    return 0 if alive else 1


def quick_beat(arguments: list[str]) -> int | None:
    """``sm beat-alive``; ``None`` for what only the whole command line can answer."""
    if arguments:
        return None
    alive, why = judge(kind=BEAT)
    print(why)  # noqa: T201 - what the command answers
    return 0 if alive else 1
