"""How Celery is used: as transport and worker pool. What is here saves time; what must hold is in Postgres."""

from collections.abc import Collection
from ssl import CERT_REQUIRED
from typing import Any

from framework.settings import Settings
from framework.tasks.tables import Priority
from kombu import Queue

from background_tasks.settings import BackgroundTasksSettings

DEFAULT_QUEUE = "default"
KEY_PREFIX = "seamark:"


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's settings for whoever speaks with the broker."""
    url = settings.redis_url.get_secret_value()
    return {
        "broker_url": url,
        # kombu asks for no certificate where the address does not say otherwise (`?ssl_cert_reqs=…`).
        "broker_use_ssl": {"ssl_cert_reqs": CERT_REQUIRED} if url.startswith("rediss:") else None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # A Redis may be shared, and Celery's own names are as common as `default`.
            "global_keyprefix": KEY_PREFIX,
            "priority_steps": [int(priority) for priority in Priority],
            # A worker's loop waits for each of its answers, and there are several in a row when the broker hangs.
            "socket_timeout": 3,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            # How soon a consumer notices that its broker has gone without a word: twice this, where the default is 25.
            "health_check_interval": 3,
        },
        "task_default_queue": DEFAULT_QUEUE,
        # The row is the result, and the history.
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
    }


def worker_configuration(settings: Settings, own: BackgroundTasksSettings, queues: Collection[str]) -> dict[str, Any]:
    """Celery's settings for workers and beat. Its own command-line options go before them."""
    common = configuration(settings)
    return common | {
        "broker_transport_options": {
            **common["broker_transport_options"],
            **acknowledgement(own),
        },
        "task_queues": [Queue(name, routing_key=name) for name in sorted(queues)],
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_concurrency": own.concurrency or "auto",
        "worker_prefetch_multiplier": own.prefetch,
        "worker_max_tasks_per_child": own.max_tasks_per_child,
        # In KiB.
        "worker_max_memory_per_child": own.max_memory_per_child and own.max_memory_per_child * 1024,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_consumer": "background_tasks.worker.consumer:Consumer",
        "beat_scheduler": "background_tasks.beat.scheduler:Scheduler",
    }


def acknowledgement(own: BackgroundTasksSettings) -> dict[str, Any]:
    """What the broker knows of messages that a worker holds: nothing, or enough to deliver them again.

    Celery has it in Redis what each worker holds, because otherwise a killed worker's tasks would be lost. Here they are
    in Postgres, and published again long before; a lost child's message goes back from the parent's memory.
    """
    if own.visibility_timeout is None:
        return {"ack_emulation": False}
    return {"ack_emulation": True, "visibility_timeout": own.visibility_timeout}
