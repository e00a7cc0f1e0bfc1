"""Ends the children of a process when it dies, however it dies.

A small watcher holds the read end of a pipe whose write end only the owner has. When the owner goes, even by
SIGKILL, the pipe closes and the watcher ends every program that the owner had named, with all its children.
Linux has PR_SET_PDEATHSIG for this, but macOS has not, it ends with the *thread* that started the child, and a
grandchild never gets it.

Run as a script this file is the watcher: standard library only, so that it starts in milliseconds.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 4.0  # seconds that the held have before they are forced


class Leash:
    """Holds process groups: ``hold`` after a start, ``release`` after a planned end, ``close`` when done."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._watcher: subprocess.Popen[bytes] | None = None

    def hold(self, group: int, ending: signal.Signals = signal.SIGTERM) -> None:
        """Should this process go first: end the group's leader with ``ending``, and soon what is left by force."""
        self._tell(f"{group} {ending.value}\n")

    def release(self, group: int) -> None:
        self._tell(f"{group} 0\n")

    def close(self) -> None:
        """Ends whatever is still held, and waits for it."""
        with self._lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None and watcher.stdin is not None:
            watcher.stdin.close()
            watcher.wait()

    def _tell(self, message: str) -> None:
        with self._lock:
            if self._watcher is None:
                self._watcher = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__, str(self._patience)],
                    stdin=subprocess.PIPE,
                    bufsize=0,
                    cwd="/",
                    # Out of the terminal's reach: Ctrl-C is the owner's to handle.
                    start_new_session=True,
                )
            assert self._watcher.stdin is not None
            self._watcher.stdin.write(message.encode())


def signal_group(group: int, number: int) -> None:
    """Signal what there is of a process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def is_running(pid: int) -> bool:
    """Whether it still does anything: an ended process whose parent has not asked for its status does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except ProcessLookupError:
        return False
    except (PermissionError, FileNotFoundError):  # somebody else's; no /proc on macOS
        return True
    return status.rpartition(b")")[2].split()[0] != b"Z"


def watch(patience: float) -> None:
    held: dict[int, int] = {}
    for line in sys.stdin:
        group, ending = map(int, line.split())
        if ending:
            held[group] = ending
        else:
            held.pop(group, None)
    for leader, ending in held.items():
        # Only the leader: it ends its children in its own order.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(leader, ending)
    deadline = time.monotonic() + patience
    while any(map(is_running, held)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for group in held:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    watch(float(sys.argv[1]))
