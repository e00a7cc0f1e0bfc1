"""What the worker and beat are made of: settings, and the modules whose tasks they run."""

from dataclasses import dataclass

from framework.application import Application, connect
from framework.installation import read_installation
from framework.module import Module
from framework.settings import Settings
from framework.tasks import Task
from framework.tasks.registry import tasks_of


@dataclass(frozen=True, slots=True)
class Composition:
    settings: Settings
    modules: tuple[Module, ...]
    tasks: dict[str, Task]

    def connect(self, process: str) -> Application:
        """With one connection for a task's effect and one for what it signals meanwhile; its limits are its own."""
        longest = max((task.hard_limit for task in self.tasks.values()), default=0)
        changes = {
            "database_pool_size": 2,
            "database_statement_timeout": max(longest, self.settings.database_statement_timeout),
        }
        return connect(self.settings.model_copy(update=changes), self.modules, process)


def compose() -> Composition:
    """Raises ``BootError`` with all problems."""
    settings, modules = read_installation("celery")
    return Composition(settings, modules, tasks_of(modules))
