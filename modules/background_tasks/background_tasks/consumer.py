from typing import Any

import structlog
from celery.utils.log import get_logger
from celery.worker import consumer
from celery.worker.state import maybe_shutdown

log = structlog.get_logger()
LONGEST_PAUSE = 2.0


class Consumer(consumer.Consumer):
    """Celery's, but it leaves a task that it does not know to a worker that does: the row is published again.

    It dials a lost broker again within seconds, where Celery's waits longer and longer, up to half a minute. Without
    gossip and mingle, for workers here have nothing to tell each other, and would every few seconds.
    """

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        quiet = {"without_gossip": True, "without_mingle": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **quiet}, **kwargs)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        task, task_id = message.headers.get("task"), message.headers.get("id")
        log.warning("task left for a worker that knows it", task=task, task_id=task_id)
        self.app.worker.unknown += 1
        message.ack_log_error(get_logger(__name__), self.connection_errors)

    def ensure_connected(self, conn: Any) -> Any:
        def failed(error: Exception, pause: float) -> None:
            log.warning("no broker, trying again", error=str(error), seconds=pause)

        def wait() -> None:
            maybe_shutdown()
            self.app.worker.waits_for_broker()

        conn.ensure_connection(failed, interval_start=0, interval_step=1, interval_max=LONGEST_PAUSE, callback=wait)
        # What asks for it decides whether a first connection that fails may be repeated.
        self.first_connection_attempt = False
        return conn
