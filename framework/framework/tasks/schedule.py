"""How a module says when a task runs by itself."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from framework.tasks.declaration import Task
from framework.tasks.timing import Cron, Every, Timing


class Missed(StrEnum):
    """What becomes of slots that no beat saw in time: when the next one is due too, or a minute has passed."""

    SKIP = "skip"
    """They do not run."""
    ONCE = "once"
    """The latest of them runs."""
    ALL = "all"
    """Each runs, the latest thousand at most."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enqueues ``task``, which needs no arguments, ``every`` so often (at multiples since 1970, UTC), or as ``cron`` says.

    ``cron`` goes by the clocks of ``timezone`` (``timing.Cron`` says how it takes their changes). A new schedule begins
    with its next slot, and so does one whose timing was changed. ``name`` tells two schedules of one task apart.
    Raises ``ValueError`` or ``TypeError`` for what cannot be.
    """

    task: Task
    every: timedelta | None = None
    cron: str | None = None
    timezone: str = "UTC"
    missed: Missed = Missed.ONCE
    name: str = ""
    timing: Timing = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if required := self.task.arguments.required:
            raise TypeError(
                f"schedule {self.entry}: its task needs {', '.join(required)}, and a schedule gives no arguments"
            )
        try:
            object.__setattr__(self, "timing", self._read_timing())
        except ValueError as error:
            raise ValueError(f"schedule {self.entry}: {error}") from None

    @property
    def entry(self) -> str:
        return self.name or self.task.name

    def _read_timing(self) -> Timing:
        if self.every is not None and self.cron is None:
            if self.timezone != "UTC":
                raise ValueError("an interval has no time zone; say cron=… for a time of day")
            return Every(self.every)
        if self.cron is not None and self.every is None:
            return Cron(self.cron, self.timezone)
        raise ValueError("it takes either every=… or cron=…")
