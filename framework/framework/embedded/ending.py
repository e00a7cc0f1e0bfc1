"""Ending processes that are not our children."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

from framework.embedded.leash import is_running


def end_all(processes: Sequence[psutil.Process], ending: signal.Signals, patience: float) -> None:
    """Ask those that have no parent among them, which end their children in their own order; after ``patience`` force all."""
    pids = {process.pid for process in processes}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                process.send_signal(ending)
    for process in still_running(processes, patience):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    still_running(processes, patience)


def still_running(processes: Sequence[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those left after ``patience`` seconds. Unlike psutil's own, it does not wait for someone to reap what has ended."""
    deadline = time.monotonic() + patience
    while left := [process for process in processes if process.is_running() and is_running(process.pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left
