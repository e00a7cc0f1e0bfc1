"""What a worker's parent does every second."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from background_tasks.relay.protocol import KillChild, Message, SignOfLife, WaitingMessages, WorkerIdentity
from background_tasks.settings import BackgroundTasksSettings
from background_tasks.worker.alive import judge
from background_tasks.worker.liveness import SOFTWARE_ERROR
from background_tasks.worker.stopping import Stopping
from background_tasks.worker.supervision import Supervision
from celery.worker import state


class Relay:
    """Says what a test wants it to, and keeps what it is told."""

    def __init__(self, identity: WorkerIdentity) -> None:
        self.identity = identity
        self.exit_status: int | None = None
        self.told: list[Message] = []
        self.says: list[Message] = []
        self.let_go_of = self.stopped = False

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def hear(self) -> Iterator[Message]:
        said, self.says = self.says, []
        yield from said

    def let_go(self) -> None:
        self.let_go_of = True

    def stop(self) -> None:
        self.stopped = True


class Parent:
    """A supervision of a worker with two children, which runs nothing of itself."""

    def __init__(self) -> None:
        self.relays: list[Relay] = []
        self.stopping = Stopping()
        children = [SimpleNamespace(pid=pid) for pid in (-1, -2)]
        queues = SimpleNamespace(consume_from={"default": None, "mail": None})
        controller = SimpleNamespace(
            hostname="one@host",
            concurrency=2,
            pool=SimpleNamespace(_pool=SimpleNamespace(_pool=children)),
            timer=SimpleNamespace(call_repeatedly=lambda *_: None),
            app=SimpleNamespace(
                amqp=SimpleNamespace(queues=queues), composition=SimpleNamespace(tasks={"b.task": None, "a.task": None})
            ),
        )
        own = BackgroundTasksSettings(stale_after=0.001)
        self.supervision = Supervision(controller, own, self.stopping, lambda: 0, self.start_relay)  # type: ignore[arg-type]

    def start_relay(self, identity: WorkerIdentity) -> Relay:
        self.relays.append(Relay(identity))
        return self.relays[-1]

    def tick(self, *says: Message) -> None:
        self.relays[-1].says = list(says)
        self.supervision.tick()


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = signal.getsignal(signal.SIGALRM)
    yield Parent()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    state.should_stop = None
    state.active_requests.clear()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waiting:
        yield waiting
        waiting.kill()


class Request:
    """Celery's, as far as it counts; held weakly there."""

    def __init__(self, task_id: str, worker_pid: int) -> None:
        self.id, self.worker_pid = task_id, worker_pid


def runs(task_id: str, pid: int) -> Any:
    request = Request(task_id, pid)
    state.active_requests.add(request)
    return request


def test_the_relay_is_told_what_the_worker_is(parent: Parent) -> None:
    identity = parent.relays[0].identity
    assert (identity.name, identity.concurrency) == ("one@host", 2)
    assert identity.queues == ("default", "mail")
    assert identity.tasks == ("a.task", "b.task")
    assert identity.release == version("seamark-host")


def test_the_relay_is_told_which_child_runs_what(parent: Parent) -> None:
    request = runs("t1", 42)
    parent.tick()
    assert parent.relays[0].told == [SignOfLife({request.id: 42}, stopping=False)]


def test_each_turn_is_a_sign_of_life_that_says_what_is_consumed(parent: Parent) -> None:
    parent.tick()
    assert judge() == (True, "one@host consumes default, mail")
    parent.supervision.tick("waits for the broker")
    assert judge() == (True, "one@host waits for the broker")


def test_a_task_that_does_not_let_itself_be_cancelled_loses_its_process(
    parent: Parent, process: subprocess.Popen[bytes]
) -> None:
    request = runs("t1", process.pid)
    parent.tick(KillChild(process.pid, request.id))
    assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("task_id", ["t1", "t2"])
def test_a_process_that_runs_something_else_by_now_is_spared(
    task_id: str, parent: Parent, process: subprocess.Popen[bytes]
) -> None:
    request = runs("t2", process.pid if task_id == "t1" else os.getpid())
    parent.tick(KillChild(process.pid, task_id))
    assert process.poll() is None
    assert request.id == "t2"


def test_a_relay_that_ended_is_replaced(parent: Parent) -> None:
    parent.relays[0].exit_status = 1
    parent.tick()
    assert parent.relays[0].let_go_of
    assert parent.relays[1].told == [SignOfLife({}, stopping=False)]


def test_not_while_the_worker_ends_too(parent: Parent) -> None:
    parent.stopping.begin(60)
    parent.relays[0].exit_status = 0
    parent.tick()
    assert len(parent.relays) == 1


def test_a_worker_that_takes_nothing_though_messages_wait_gives_itself_up(parent: Parent) -> None:
    while not parent.stopping.is_set():
        parent.tick(WaitingMessages(3))
    assert state.should_stop == SOFTWARE_ERROR


def test_it_does_not_on_what_a_relay_said_that_has_fallen_silent(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("background_tasks.worker.supervision.BELIEVED_FOR", 0)
    for _ in range(100):
        parent.tick(WaitingMessages(3))
    assert not parent.stopping.is_set()


def test_at_its_end_the_relay_hears_that_it_was_meant_and_nothing_is_left_to_probe(parent: Parent) -> None:
    parent.tick()
    parent.supervision.end()
    assert parent.relays[0].told[-1] == SignOfLife({}, stopping=True)
    assert parent.relays[0].stopped
    assert not judge()[0]
