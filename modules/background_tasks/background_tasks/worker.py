"""The worker in its parent and in its children: what Celery's signals start and stop."""

import mmap
from typing import Any
from uuid import UUID

from celery import signals

from background_tasks.child import Child
from background_tasks.composition import Composition


class Worker:
    """In the parent what its children will be, in each child the one that it is."""

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.child: Child | None = None
        self._stopping = _Stopping()

    def install(self) -> None:
        signals.worker_process_init.connect(self._start_child)
        signals.worker_process_shutdown.connect(self._stop_child)
        signals.worker_shutting_down.connect(self._stop)

    def run(self, task_id: str) -> None:
        """What every Celery task here does."""
        assert self.child is not None, "Celery did not initialise this process"
        self.child.run(UUID(task_id))

    def _start_child(self, **_: Any) -> None:
        self.child = Child(self.composition, self._stopping)

    def _stop_child(self, **_: Any) -> None:
        if self.child is not None:
            self.child.close()

    def _stop(self, **_: Any) -> None:
        self._stopping.begin()


class _Stopping:
    """Shared with the children by fork: told to end, the parent sets it, and they look between two steps."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def begin(self) -> None:
        self._shared[0] = 1

    def is_set(self) -> bool:
        return self._shared[0] != 0

    def deadline(self) -> float | None:
        return None
