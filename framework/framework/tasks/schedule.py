"""How a module says when a task runs by itself."""

from dataclasses import dataclass
from datetime import timedelta

from framework.tasks.declaration import Task


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enqueues ``task``, which takes no arguments, every so often: at multiples of ``every`` since 1970, UTC.

    What was due while no beat ran is made up for once. ``name`` tells two schedules of one task apart.
    """

    task: Task
    every: timedelta
    name: str = ""

    def __post_init__(self) -> None:
        if self.every <= timedelta(0):
            raise ValueError(f"schedule {self.entry}: the interval must be positive")
        if required := self.task.arguments.required:
            raise TypeError(
                f"schedule {self.entry}: its task needs {', '.join(required)}, and a schedule gives no arguments"
            )

    @property
    def entry(self) -> str:
        return self.name or self.task.name
