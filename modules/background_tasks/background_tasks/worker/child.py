"""A worker's child process: one event loop, one application, one task at a time."""

import asyncio
import os
from contextlib import ExitStack
from uuid import UUID

import structlog
from framework.metrics.exporter import exported
from framework.metrics.postgres import gauges_of
from framework.tasks.runner import Runner
from framework.tasks.stopping import Stopping

from background_tasks.composition import Composition
from framework import tracing

log = structlog.get_logger()


class Child:
    """Of the worker ``name``."""

    def __init__(self, composition: Composition, name: str, stopping: Stopping) -> None:
        self.loop = asyncio.new_event_loop()
        self._stop_tracing = tracing.start(composition.settings, "worker")
        self.application = composition.connect("worker")
        self.application.database.show_pool()
        self._stack = ExitStack()
        self._stack.enter_context(exported(composition.settings, "worker", gauges_of(composition.modules)))
        self.runner = Runner(self.application, f"{name}:{os.getpid()}", stopping)

    def run(self, task_id: UUID) -> None:
        self.loop.run_until_complete(self._run(task_id))

    async def _run(self, task_id: UUID) -> None:
        try:
            await self.runner.run(task_id)
            # Until the next task the loop stands still, and what this one enqueued would wait with it.
            await self.application.waker.flush()
        except Exception:
            # The row is as it was, and is published again.
            log.exception("no answer from Postgres, task left for later", task_id=str(task_id))

    def close(self) -> None:
        self._stack.close()
        self.loop.run_until_complete(self.application.close())
        self.loop.close()
        if self._stop_tracing is not None:
            self._stop_tracing()
