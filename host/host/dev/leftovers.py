"""Ends what a killed ``sm dev`` left running in this clone.

Its children carry the clone's path in their environment, and so do theirs: that identifies them, which a process id
in a file does not. The embedded servers find their own leftovers by their data folder.
"""

import signal
from contextlib import suppress
from pathlib import Path

import psutil
from framework.embedded.ending import end_all

MARK = "SEAMARK_CLONE"


def end_leftovers(clone: Path) -> int:
    """How many there were."""
    left = [process for process in psutil.process_iter() if _is_ours(process, str(clone))]
    end_all(left, signal.SIGTERM, patience=3)
    return len(left)


def _is_ours(process: psutil.Process, clone: str) -> bool:
    # Other people's processes do not show their environment, which is an answer too.
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == clone
    return False
