"""Keeps a relay beside the worker: a step of Celery's own start and stop, in the worker's parent."""

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import structlog
from celery import bootsteps, signals

log = structlog.get_logger()
LOOK = 1.0
PATIENCE = 5.0


class RelayStep(bootsteps.StartStopStep):
    """A process of its own, because a thread of the parent's would be copied, half alive, into every child it forks.

    A pipe ties them together. The parent writes into it from its consumer's loop, which the relay takes for the worker's
    heartbeat; when the parent ends, however it ends, the pipe closes and the relay ends too.
    """

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._name = ""
        self._relay: subprocess.Popen[bytes] | None = None
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        self._name = worker.hostname
        # A child would hold the pipe open after its parent has gone.
        signals.worker_process_init.connect(self._let_go)
        self._spawn()
        self._timer = worker.timer.call_repeatedly(LOOK, self._look)

    def stop(self, worker: Any) -> None:
        self._timer.cancel()
        relay, self._relay = self._relay, None
        if relay is None or relay.stdin is None:
            return
        with suppress(BrokenPipeError):
            relay.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            relay.wait(PATIENCE)
            return
        relay.kill()
        relay.wait()

    terminate = stop

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "background_tasks.relay", "--worker", self._name]
        # Out of the terminal's reach: at Ctrl-C the worker still has tasks that may enqueue others.
        self._relay = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        assert self._relay.stdin is not None
        os.set_blocking(self._relay.stdin.fileno(), False)

    def _look(self) -> None:
        if self._relay is None or self._relay.stdin is None:
            return
        if self._relay.poll() is not None:
            log.warning("relay ended, starting another", status=self._relay.returncode)
            self._relay.stdin.close()
            self._spawn()
            return
        # Full when the relay hangs: then the worker's silence is not its own, and the relay's to explain.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._relay.stdin.fileno(), b".")

    def _let_go(self, **_: Any) -> None:
        if self._relay is not None and self._relay.stdin is not None:
            self._relay.stdin.close()
