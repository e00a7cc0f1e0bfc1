"""Names for the processes of a machine: few, and free again when a process has ended, however it ended.

A process keeps a file locked for as long as it lives; the kernel lets go of the lock with the process (flock(2)).
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 1000
SOCKET = ".sock"


def folder(port: int) -> Path:
    """Of this user's processes whose metrics are served at ``port``, below ``TMPDIR``.

    Raises ``OSError`` where it cannot be had, or others could look into it.
    """
    place = Path(os.environ.get("TMPDIR") or "/tmp") / f"seamark-metrics-{os.getuid()}-{port}"  # noqa: S108 - refused below
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{place} is not a folder of this user alone")
    return place


@contextmanager
def slot(place: Path, kind: str) -> Iterator[Path]:
    """Where the socket of this process lies: ``web-1.sock``, or the next that no living process has."""
    for number in range(1, MOST):
        held = lock(place / f"{kind}-{number}.lock")
        if held is not None:
            break
    else:
        raise OSError(f"{MOST} processes have their metrics in {place}")
    socket = place / f"{kind}-{number}{SOCKET}"
    # Of one that was killed.
    socket.unlink(missing_ok=True)
    try:
        yield socket
    finally:
        socket.unlink(missing_ok=True)
        os.close(held)


def sockets(place: Path) -> list[Path]:
    """Of all processes; those that were killed may still have theirs."""
    return sorted(path for path in place.iterdir() if path.name.endswith(SOCKET))


def lock(path: Path) -> int | None:
    """A descriptor that holds it until it is closed; ``None`` while another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
