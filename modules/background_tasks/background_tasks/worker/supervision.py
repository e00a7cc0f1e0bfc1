"""What a worker's parent does every second, from its consumer's loop: beat, look after its relay, and judge itself."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from time import monotonic
from typing import Any

import structlog
from celery.worker import state

from background_tasks.relay.protocol import KillChild, SignOfLife, WaitingMessages, WorkerIdentity
from background_tasks.settings import BackgroundTasksSettings
from background_tasks.worker.liveness import SOFTWARE_ERROR, Consumption, Heartbeat
from background_tasks.worker.relay_process import RelayProcess
from background_tasks.worker.shutdown import Shutdown
from background_tasks.worker.stopping import Stopping

log = structlog.get_logger()
TICK = 1.0
# A relay that hangs says nothing new; what it said before is then no reason to give up.
BELIEVED_FOR = 5.0
# The loop itself may take longer over a broker that does not answer than over one that has gone.
LOOP_PATIENCE = 3


def children_of(controller: Any) -> list[int]:
    """The process ids of a worker's pool."""
    pool = getattr(controller.pool, "_pool", None)
    return [process.pid for process in pool._pool] if pool is not None else []


def identity_of(controller: Any) -> WorkerIdentity:
    """How a worker describes itself to others."""
    app = controller.app
    return WorkerIdentity(
        name=controller.hostname,
        queues=tuple(sorted(app.amqp.queues.consume_from)),
        tasks=tuple(sorted(app.composition.tasks)),
        concurrency=controller.concurrency if isinstance(controller.concurrency, int) else 0,
        release=version("seamark-host"),
    )


def kill(pid: int, task_id: str) -> None:
    log.warning("a cancelled task does not end, killing its process", task_id=task_id, pid=pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Supervision:
    """Of one worker, in its parent, from before its first child until after its last."""

    def __init__(
        self,
        controller: Any,
        own: BackgroundTasksSettings,
        stopping: Stopping,
        unknown: Callable[[], int],
        start_relay: Callable[[WorkerIdentity], RelayProcess] = RelayProcess,
    ) -> None:
        """``unknown`` counts the messages that were left to others: they were received, too."""
        self._start_relay = start_relay
        self._controller = controller
        self._stopping = stopping
        self._unknown = unknown
        self._identity = identity_of(controller)
        self._relay = start_relay(self._identity)
        self._waiting: tuple[float, int | None] = (0.0, None)
        self._consumption = Consumption(own.stale_after)
        self._heartbeat = Heartbeat(controller.hostname, own.stale_after * LOOP_PATIENCE)
        self.shutdown = Shutdown(stopping, own.shutdown_grace, lambda: children_of(controller))
        controller.timer.call_repeatedly(TICK, self.tick)

    def tick(self, cannot: str = "") -> None:
        """``cannot`` says why it does not consume just now, though it is well."""
        self._look_after_relay()
        if self._stopping.is_set():
            return
        heard_at, waiting = self._waiting
        received = state.all_total_count[0] + self._unknown()
        idle = len(children_of(self._controller)) - len(state.active_requests)
        self._consumption.observe(received, idle, waiting if monotonic() - heard_at < BELIEVED_FOR else None)
        if self._consumption.is_stale:
            log.error("tasks wait and none is taken, giving up", waiting=waiting, idle=idle)
            self.shutdown.begin()
            # What Celery's own handler of SIGTERM does.
            state.should_stop = SOFTWARE_ERROR
        elif not self._consumption.stands_for:
            self._heartbeat.beat(cannot or f"consumes {', '.join(self._identity.queues)}")

    def let_go(self) -> None:
        """In a child: its copy of the pipes would hold them open after its parent has gone."""
        self._relay.let_go()

    def end(self) -> None:
        # It may end before the next tick would have told.
        self._relay.tell(SignOfLife({}, stopping=True))
        self._relay.stop()
        self._heartbeat.end()
        self.shutdown.end()

    def _look_after_relay(self) -> None:
        if self._relay.exit_status is not None and not self._stopping.is_set():
            log.warning("relay ended, starting another", status=self._relay.exit_status)
            self._relay.let_go()
            self._relay = self._start_relay(self._identity)
        running = {request.id: request.worker_pid for request in tuple(state.active_requests)}
        self._relay.tell(SignOfLife(running, self._stopping.is_set()))
        for message in self._relay.hear():
            match message:
                case KillChild(pid, task_id):
                    if running.get(task_id) == pid:
                        kill(pid, task_id)
                case WaitingMessages(count):
                    self._waiting = (monotonic(), count)
