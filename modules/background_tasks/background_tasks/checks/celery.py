"""Whether Celery, as it was started, is what tasks need: its command line may change any of its settings."""

from collections.abc import Iterator
from typing import Any

from framework.findings import Finding, Level

from background_tasks.broker import KEY_PREFIX, acknowledgement
from background_tasks.codes import SM028
from background_tasks.settings import BackgroundTasksSettings

NEEDED = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    # Out of a signal handler it would leave the coroutine alive, which then finishes its effect during the next task.
    "task_soft_time_limit": None,
    "worker_pool": "prefork",
    "worker_prefetch_multiplier": 1,
}
ADVICE = ("worker_prefetch_multiplier",)
"""Costs fairness only."""


def effective(controller: Any) -> dict[str, Any]:
    """Celery's settings as the options of ``celery worker`` left them."""
    pool = controller.pool_cls
    return {
        **controller.app.conf,
        "task_soft_time_limit": controller.soft_time_limit,
        "worker_pool": pool if isinstance(pool, str) else pool.__module__.rpartition(".")[2],
        "worker_prefetch_multiplier": controller.prefetch_multiplier,
    }


def celery_findings(conf: dict[str, Any], own: BackgroundTasksSettings) -> Iterator[Finding]:
    for name, needed in NEEDED.items():
        if conf[name] != needed:
            yield SM028.finding(
                f"Celery's {name} is {conf[name]!r}, not {needed!r}",
                hint="start it without the option that says so",
                level=Level.WARNING if name in ADVICE else None,
            )
    transport = conf["broker_transport_options"]
    for name, needed in {"global_keyprefix": KEY_PREFIX, **acknowledgement(own)}.items():
        if transport.get(name) != needed:
            yield SM028.finding(
                f"the broker's {name} is {transport.get(name)!r}, not {needed!r}",
                hint="start it without broker_transport_options",
            )
