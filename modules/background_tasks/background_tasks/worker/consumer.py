from typing import Any
from warnings import catch_warnings, simplefilter

import structlog
from celery.exceptions import CPendingDeprecationWarning
from celery.utils.log import get_logger
from celery.worker import consumer
from celery.worker.state import maybe_shutdown

log = structlog.get_logger()
LONGEST_PAUSE = 2.0


class Consumer(consumer.Consumer):
    """Celery's, but it leaves a task that it does not know to a worker that does: the row is published again.

    A lost broker is dialled again within seconds, where Celery waits longer and longer, up to half a minute; and what
    kombu makes of a lost connection does not end the worker. Without gossip, mingle and heartbeat, for workers here have
    nothing to tell each other, and would every few seconds.
    """

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        # The heartbeat is an event for monitors, sent every two seconds; while the broker hangs, the loop would hang with it.
        quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
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
        # From now on it is `broker_connection_retry` that says whether to repeat.
        self.first_connection_attempt = False
        return conn

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        # What it holds is not given back: what runs goes on, and the rows of the rest are published again. kombu would
        # try over the connection that it has just given up, and with a task running an error of its own ends the worker.
        for channel in self.connection.transport.channels:
            channel.do_restore = False
        try:
            with catch_warnings():
                # Of Celery's, that running tasks are not killed: their rows are locked, so nobody else can begin them.
                simplefilter("ignore", CPendingDeprecationWarning)
                super().on_connection_error_after_connected(exc)
        except Exception as error:  # noqa: BLE001 - all that is left to do is to forget the connection, and that is done
            log.debug("lost connection not closed in good order", error=repr(error))

    def call_soon_ack(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer a message, unless its connection is gone: the broker delivers it again, and its row says that it is done."""
        transport = p.__self__.channel.connection
        if transport is None or transport.client is None:
            return p
        return super().call_soon_ack(p, *args, **kwargs)
