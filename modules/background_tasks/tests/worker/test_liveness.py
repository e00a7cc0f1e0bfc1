"""A worker that takes nothing while tasks wait, or whose loop stands still, gives itself up."""

import subprocess
import sys
from pathlib import Path

import pytest
from background_tasks.worker.liveness import SOFTWARE_ERROR, Consumption


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def consumption(clock: Clock) -> Consumption:
    return Consumption(20, clock)


def test_one_that_takes_nothing_though_messages_wait_and_a_child_is_idle_is_stale(
    consumption: Consumption, clock: Clock
) -> None:
    consumption.observe(received=7, idle_children=1, waiting=3)
    for _ in range(20):
        clock.now += 1
        consumption.observe(received=7, idle_children=1, waiting=3)
        assert not consumption.is_stale
    clock.now += 1.5
    consumption.observe(received=7, idle_children=1, waiting=3)
    assert consumption.is_stale


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param({"received": 8, "idle_children": 1, "waiting": 3}, id="it takes a message"),
        pytest.param({"received": 7, "idle_children": 0, "waiting": 3}, id="its children are busy"),
        pytest.param({"received": 7, "idle_children": 1, "waiting": 0}, id="nothing waits"),
        pytest.param({"received": 7, "idle_children": 1, "waiting": None}, id="nobody knows what waits"),
    ],
)
def test_it_is_not_when_meanwhile(meanwhile: dict[str, int | None], consumption: Consumption, clock: Clock) -> None:
    consumption.observe(received=7, idle_children=1, waiting=3)
    clock.now += 19
    consumption.observe(**meanwhile)  # type: ignore[arg-type] # the table's keys are the parameters
    assert consumption.stands_for == 0
    clock.now += 19
    assert not consumption.is_stale


BLOCKED = """
import background_tasks.worker.liveness as liveness, socket, sys
liveness.SECOND_CHANCE = 0.05
heart = liveness.Heartbeat("probe@test", 0.05)
heart.beat("consumes default")
one, other = socket.socketpair()
{then}
one.recv(1)
"""


def blocked(then: str, folder: Path) -> int:
    """The exit status of a process that waits for what never comes; ``then`` runs before."""
    script = BLOCKED.format(then=then)
    done = subprocess.run(
        [sys.executable, "-c", script], env={"TMPDIR": str(folder)}, timeout=30, check=False, stdout=subprocess.DEVNULL
    )
    return done.returncode


def test_a_loop_that_stands_still_in_a_call_ends_its_process(tmp_path: Path) -> None:
    assert blocked("", tmp_path) == SOFTWARE_ERROR


def test_a_loop_that_goes_on_after_a_freeze_does_not(tmp_path: Path) -> None:
    """The alarm of the time in which it was frozen comes first; the loop turns before the next one."""
    beating = """
import signal, time
expired = heart._overdue
def once(*_):
    expired()
    heart._patience = 30
    heart.beat("consumes default")
    sys.exit(3)
signal.signal(signal.SIGALRM, once)
"""
    assert blocked(beating, tmp_path) == 3
