"""The worker in its parent and in its children: what Celery's signals start and stop."""

import gc
from typing import Any
from uuid import UUID

from celery import signals
from framework.settings import settings_of

from background_tasks.composition import Composition
from background_tasks.settings import BackgroundTasksSettings
from background_tasks.worker.child import Child
from background_tasks.worker.stopping import Stopping
from background_tasks.worker.supervision import Supervision


def share_memory(**_: Any) -> None:
    """A collection writes to every object it looks at, and so copies its page: one before each fork, from all children before.

    What is there before a fork lives as long as its process, so the collector need not look at it again.
    """
    gc.collect()
    gc.freeze()


class Worker:
    """In the parent what its children will be, in each child the one that it is."""

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.child: Child | None = None
        self.supervision: Supervision | None = None
        self._name = ""
        self.unknown = 0
        """Messages that were left to workers which know their tasks."""
        self._stopping = Stopping()

    def install(self) -> None:
        signals.celeryd_after_setup.connect(self._start_parent)
        signals.worker_shutting_down.connect(self._stop_parent)
        signals.worker_shutdown.connect(self._end_parent)
        signals.worker_before_create_process.connect(share_memory)
        signals.worker_process_init.connect(self._start_child)
        signals.worker_process_shutdown.connect(self._stop_child)

    def run(self, task_id: str) -> None:
        """What every Celery task here does."""
        assert self.child is not None, "Celery did not initialise this process"
        self.child.run(UUID(task_id))

    def waits_for_broker(self) -> None:
        """The consumer is not in its loop, and will be once there is a broker."""
        if self.supervision is not None:
            self.supervision.tick("waits for the broker")

    def _start_parent(self, instance: Any, **_: Any) -> None:
        own = settings_of(BackgroundTasksSettings)
        self._name = instance.hostname
        self.supervision = Supervision(instance, own, self._stopping, lambda: self.unknown)

    def _stop_parent(self, **_: Any) -> None:
        if self.supervision is not None:
            self.supervision.shutdown.begin()

    def _end_parent(self, **_: Any) -> None:
        if self.supervision is not None:
            self.supervision.end()

    def _start_child(self, **_: Any) -> None:
        if self.supervision is not None:
            self.supervision.let_go()
        self.child = Child(self.composition, self._name, self._stopping)

    def _stop_child(self, **_: Any) -> None:
        if self.child is not None:
            self.child.close()
