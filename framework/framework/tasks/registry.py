"""Every task that a set of modules can run, by name."""

from collections.abc import Iterable

from framework.module import Module
from framework.tasks.declaration import Task


def tasks_of(modules: Iterable[Module]) -> dict[str, Task]:
    """Declared tasks, and the delivery of each event to each subscriber."""
    return {
        task.name: task
        for module in modules
        for task in (*module.tasks, *(subscription.task for subscription in module.subscriptions))
    }
