"""What the worker, beat and the relay are made of: settings, and the modules whose tasks they run."""

from dataclasses import dataclass
from datetime import timedelta

from framework.application import Application, connect
from framework.findings import BootError, Finding
from framework.loader import load_modules
from framework.module import Module
from framework.settings import Settings, load, settings_of
from framework.tasks import Task
from framework.tasks.registry import tasks_of

from background_tasks.settings import BackgroundTasksSettings


@dataclass(frozen=True, slots=True)
class Composition:
    settings: Settings
    own: BackgroundTasksSettings
    modules: tuple[Module, ...]
    tasks: dict[str, Task]

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.own.lease)

    def connect(self, process: str) -> Application:
        """One connection for the effect of a task and one for what it signals meanwhile; a task's limits are its own."""
        limit = max((task.hard_limit for task in self.tasks.values()), default=0)
        changes = {
            "database_pool_size": 2,
            "database_pool_overflow": 0,
            "database_statement_timeout": max(limit, self.settings.database_statement_timeout),
        }
        return connect(self.settings.model_copy(update=changes), self.modules, process)


def compose() -> Composition:
    """Raises ``BootError`` with all problems of the phase that failed."""
    settings = load(Settings)
    modules = load_modules(settings.modules_enabled)
    problems: list[Finding] = []
    for module in modules:
        try:
            if module.settings is not None:
                settings_of(module.settings)
        except BootError as error:
            problems += error.findings
    if problems:
        raise BootError(problems)
    return Composition(settings, settings_of(BackgroundTasksSettings), modules, tasks_of(modules))
