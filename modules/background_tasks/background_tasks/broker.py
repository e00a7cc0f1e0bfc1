"""How Celery is used: as transport and worker pool. What is here saves time; what must hold is in Postgres."""

from collections.abc import Collection
from typing import Any

from framework.settings import Settings
from framework.tasks import Task
from kombu import Queue

DEFAULT_QUEUE = "default"
KEY_PREFIX = "seamark:"
# Longer than any task may take: a message that comes back while its task runs finds the row locked, and is only a waste.
SHORTEST_VISIBILITY = 300.0


def configuration(settings: Settings, tasks: Collection[Task] = ()) -> dict[str, Any]:
    """Celery's settings. A worker consumes the queues of ``tasks`` and no others."""
    longest = max((task.hard_limit for task in tasks), default=0)
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # A Redis may be shared, and Celery's own names are as common as `default`.
            "global_keyprefix": KEY_PREFIX,
            "visibility_timeout": max(2 * longest, SHORTEST_VISIBILITY),
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
        "task_default_queue": DEFAULT_QUEUE,
        "task_queues": [
            Queue(name, routing_key=name) for name in sorted({task.queue for task in tasks} or {DEFAULT_QUEUE})
        ],
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # The row is the result, and the history.
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_consumer": "background_tasks.consumer:Consumer",
        "beat_scheduler": "background_tasks.beat:Scheduler",
    }
