"""A worker that is told to end is gone soon after its grace, whatever its children and its broker do."""

import subprocess
import sys

from background_tasks.worker.liveness import SOFTWARE_ERROR

PARENT = """
import subprocess, sys
from background_tasks.worker import shutdown
from background_tasks.worker.stopping import Stopping
# The interpreter needs some of it to end, on a busy machine more than a tenth of a second.
shutdown.KILL_AFTER, shutdown.LEAVE_AFTER = 0.1, 1
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
stopping = Stopping()
ending = shutdown.Shutdown(stopping, {grace}, lambda: [child.pid])
ending.begin()
assert stopping.is_set()
{then}
"""
WAIT = "sys.exit(7 if child.wait() == -9 else 1)"


def parent(then: str, grace: float = 0.1) -> int:
    """The exit status of a parent with a child that does not end by itself."""
    return subprocess.run(
        [sys.executable, "-c", PARENT.format(then=then, grace=grace)],
        timeout=30,
        check=False,
        stdout=subprocess.DEVNULL,
    ).returncode


def test_a_child_that_goes_on_after_the_deadline_is_killed_and_the_parent_ends_in_good_order() -> None:
    assert parent(WAIT) == 7


def test_a_parent_that_still_waits_for_something_leaves_it() -> None:
    assert parent("import socket; child.wait(); one, other = socket.socketpair(); one.recv(1)") == SOFTWARE_ERROR


def test_being_told_twice_puts_nothing_off() -> None:
    assert parent(f"ending._grace = 60\nending.begin()\n{WAIT}") == 7


def test_within_the_grace_nobody_is_killed() -> None:
    assert parent("alive = child.poll() is None; child.kill(); sys.exit(7 if alive else 1)", grace=60) == 7


def test_a_parent_that_has_done_all_in_time_is_not_hit_by_the_alarm_while_it_goes() -> None:
    left = "sys.exit(7 if shutdown.signal.getitimer(shutdown.signal.ITIMER_REAL)[0] > 50 else 1)"
    assert parent(f"child.kill(); shutdown.LEAVE_AFTER = 60; ending.end(); {left}") == 7
