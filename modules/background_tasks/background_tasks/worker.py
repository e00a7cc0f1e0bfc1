"""A worker's child process: one event loop, one application, one task at a time."""

import asyncio
import mmap
import os
import socket
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from celery import signals
from framework.tasks.runner import Runner

from background_tasks.composition import Composition

log = structlog.get_logger()


class Worker:
    """In the parent what its children will be, in each child the one that it is."""

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.child: Child | None = None
        # Shared with the children by fork: told to end, the parent sets it, and they look between two steps.
        self._stopping = mmap.mmap(-1, 1)

    def install(self) -> None:
        signals.worker_process_init.connect(self._start_child)
        signals.worker_process_shutdown.connect(self._stop_child)
        signals.worker_shutting_down.connect(self._stop)

    def run(self, task_id: str) -> None:
        """What every Celery task here does."""
        assert self.child is not None, "Celery did not initialise this process"
        self.child.run(UUID(task_id))

    def _start_child(self, **_: Any) -> None:
        self.child = Child(self.composition, stopping=lambda: self._stopping[0] != 0)

    def _stop_child(self, **_: Any) -> None:
        if self.child is not None:
            self.child.close()

    def _stop(self, **_: Any) -> None:
        self._stopping[0] = 1


class Child:
    def __init__(self, composition: Composition, stopping: Callable[[], bool]) -> None:
        self.loop = asyncio.new_event_loop()
        self.application = composition.connect("worker")
        name = f"{socket.gethostname()}:{os.getpid()}"
        self.runner = Runner(self.application, name, stopping)

    def run(self, task_id: UUID) -> None:
        self.loop.run_until_complete(self._run(task_id))

    async def _run(self, task_id: UUID) -> None:
        try:
            await self.runner.run(task_id)
            # Until the next task the loop stands still, and what this one enqueued would wait with it.
            await self.application.waker.flush()
        except Exception:
            # No answer from Postgres. The row is as it was, and is published again when its lease ends.
            log.exception("task left to its lease", task_id=str(task_id))

    def close(self) -> None:
        self.loop.run_until_complete(self.application.close())
        self.loop.close()
