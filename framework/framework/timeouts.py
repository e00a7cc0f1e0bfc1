"""What a timeout says of itself, so that all of them can be put into one table and compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from framework.codes import SM045
from framework.settings import ModuleSettings, Settings
from framework.tasks import Task


@dataclass(frozen=True, slots=True)
class Configured:
    """What the values are read from: this installation, or for the documentation the defaults."""

    settings: Settings
    of: Callable[[type[ModuleSettings]], ModuleSettings]
    """A module's settings."""
    deadlines: Sequence[float] = ()
    """Those that routes declare, in seconds; streams have none."""
    tasks: Sequence[Task] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """A rung of the ladder. ``name`` is ``<owner>.<what>``."""

    name: str
    ends: str
    """What it ends, for people: ``A statement``."""
    seconds: Callable[[Configured], float | None]
    """``None``: there is none here."""
    set_by: str
    """The setting or option that changes it."""
    then: str
    """What becomes of the work."""
    before: tuple[str, ...] = ()
    """Those that it has to be shorter than. One that no enabled module has is passed over."""
    outside: bool = False
    """Another program's. Nobody here knows how that is really set up, so a finding about it is a warning."""
    judged_by: str = SM045.id
    """The check that compares it with ``before``."""
