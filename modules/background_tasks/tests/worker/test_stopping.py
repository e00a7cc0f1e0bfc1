"""Every child of a worker knows at once that it is to end, and by when."""

import os
from time import monotonic

from background_tasks.worker.stopping import Stopping


def seen_by_a_child(stopping: Stopping) -> str:
    """What a forked process makes of it, which is told to look once its parent has spoken."""
    told_out, told_in = os.pipe()
    said_out, said_in = os.pipe()
    if (child := os.fork()) == 0:
        os.read(told_out, 1)
        os.write(said_in, f"{stopping.is_set()} {stopping.deadline()}".encode())
        os._exit(0)
    stopping.begin(60)
    os.write(told_in, b".")
    os.waitpid(child, 0)
    said = os.read(said_out, 100).decode()
    for end in (told_out, told_in, said_out, said_in):
        os.close(end)
    return said


def test_nobody_has_to_stop_at_first() -> None:
    stopping = Stopping()
    assert not stopping.is_set()
    assert stopping.deadline() is None


def test_a_child_that_was_forked_before_sees_the_deadline_of_its_parent() -> None:
    stopping = Stopping()
    said = seen_by_a_child(stopping)
    assert said == f"True {stopping.deadline()}"


def test_the_deadline_is_the_grace_from_now_and_is_not_put_off() -> None:
    stopping = Stopping()
    stopping.begin(10)
    first = stopping.deadline()
    assert first is not None
    assert 9 < first - monotonic() <= 10
    stopping.begin(100)
    assert stopping.deadline() == first
