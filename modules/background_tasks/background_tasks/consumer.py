from typing import Any

import structlog
from celery.utils.log import get_logger
from celery.worker import consumer

log = structlog.get_logger()


class Consumer(consumer.Consumer):
    """Celery's, but it leaves a task that it does not know to a worker that does: the row is published again.

    Without gossip and mingle, for workers here have nothing to tell each other, and would every few seconds.
    """

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        quiet = {"without_gossip": True, "without_mingle": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **quiet}, **kwargs)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        task, task_id = message.headers.get("task"), message.headers.get("id")
        log.warning("task left for a worker that knows it", task=task, task_id=task_id)
        message.ack_log_error(get_logger(__name__), self.connection_errors)
