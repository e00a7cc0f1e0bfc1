"""Ends the children of a process when it dies, however it dies.

A small watcher holds the read end of a pipe whose write end only the owner has. When the owner goes, even by
SIGKILL, the pipe closes and the watcher ends every process group that the owner had named.
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

PATIENCE = 4.0


class Leash:
    """Holds process groups: ``hold`` after a start, ``release`` after a planned end, ``close`` when done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watcher: subprocess.Popen[bytes] | None = None

    def hold(self, group: int, ending: signal.Signals = signal.SIGTERM) -> None:
        """End the group with ``ending``, and by force after a while, should this process go first."""
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
                    [sys.executable, "-I", "-S", __file__],
                    stdin=subprocess.PIPE,
                    bufsize=0,
                    cwd="/",
                    # Out of the terminal's reach: Ctrl-C is the owner's to handle.
                    start_new_session=True,
                )
            assert self._watcher.stdin is not None
            self._watcher.stdin.write(message.encode())


def signal_group(group: int, number: int) -> bool:
    """Whether the process group still existed to get the signal; 0 only asks."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def watch() -> None:
    held: dict[int, int] = {}
    for line in sys.stdin:
        group, ending = map(int, line.split())
        if ending:
            held[group] = ending
        else:
            held.pop(group, None)
    held = {group: ending for group, ending in held.items() if signal_group(group, ending)}
    deadline = time.monotonic() + PATIENCE
    while held and time.monotonic() < deadline:
        time.sleep(0.02)
        held = {group: ending for group, ending in held.items() if signal_group(group, 0)}
    for group in held:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    watch()
