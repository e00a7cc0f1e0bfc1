"""What the worker and beat are made of: settings, and the modules whose tasks they run."""

from collections.abc import Collection
from dataclasses import dataclass

from framework.application import Application, connect
from framework.findings import BootError
from framework.installation import read_installation
from framework.module import Module
from framework.settings import Settings, settings_of
from framework.tasks import Task
from framework.tasks.registry import tasks_of

from background_tasks.codes import SM034
from background_tasks.settings import BackgroundTasksSettings


@dataclass(frozen=True, slots=True)
class Composition:
    settings: Settings
    own: BackgroundTasksSettings
    modules: tuple[Module, ...]
    tasks: dict[str, Task]

    @property
    def queues(self) -> tuple[str, ...]:
        """What a worker consumes. Raises ``BootError`` for one that is asked for and holds none of its tasks."""
        known = sorted({task.queue for task in self.tasks.values()})
        return tuple(known) if self.own.queues is None else only_known(self.own.queues, known)

    def connect(self, process: str) -> Application:
        """With one connection for a task's effect and one for what it signals meanwhile; its limits are its own."""
        longest = max((task.hard_limit for task in self.tasks.values()), default=0)
        changes = {
            "database_pool_size": 2,
            "database_statement_timeout": max(longest, self.settings.database_statement_timeout),
            # A transaction whose process has frozen or lost its network is ended by Postgres, and its row is free again.
            "database_idle_timeout": self.own.lease,
        }
        return connect(self.settings.model_copy(update=changes), self.modules, process)


def compose() -> Composition:
    """Raises ``BootError`` with all problems."""
    settings, modules = read_installation("celery")
    return Composition(settings, settings_of(BackgroundTasksSettings), modules, tasks_of(modules))


def only_known(queues: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """``queues``. Raises ``BootError`` for those of which no task here is."""
    findings = [
        SM034.finding(
            f"no task of the enabled modules is in the queue {queue!r}",
            hint=f"known: {', '.join(known) or 'none'} (SM_BACKGROUND_TASKS_QUEUES, SM_MODULES_ENABLED, `-Q`)",
            owner="background_tasks",
        )
        for queue in queues
        if queue not in known
    ]
    if findings:
        raise BootError(findings)
    return tuple(queues)
