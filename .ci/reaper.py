"""Runs a command and ends whatever it leaves behind: python3 reaper.py COMMAND…

Linux hands the orphans of a "child subreaper" to it instead of to init, so not even a process that has moved into a
session of its own gets away. Python 3.9, standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 10.0


def main(command: list[str]) -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    status = wait_for(child.pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        end_descendants(number)
    return status if status >= 0 else 128 - status


def wait_for(pid: int) -> int:
    """Until ``pid`` ends; orphans that end meanwhile are ours to bury."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def end_descendants(number: signal.Signals) -> None:
    """Signal all of them until none is left, for as long as we have patience."""
    deadline = time.monotonic() + PATIENCE
    told: set[int] = set()
    while (left := descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in left - told:
            with suppress(ProcessLookupError):
                sys.stderr.write(f"left running: {pid} {described(pid)}\n")
                os.kill(pid, number)
        told |= left
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.05)


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                found |= {child} | descendants(child)
    return found


def described(pid: int) -> str:
    """Its command line and its folder, which tells a server of one test from that of another."""
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{command[:120].strip()} in {(process / 'cwd').readlink()}"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
