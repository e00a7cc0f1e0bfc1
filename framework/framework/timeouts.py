"""The ladder of timeouts: what lies inside gives up before what lies around it (M. Nygard, "Release It!", "Timeouts").

Where both are the same, it is chance which of them speaks: the one that knows what happened, or the one that only knows
that it took too long.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.codes import SM045
from framework.findings import Finding, Level
from framework.settings import ModuleSettings, Settings

if TYPE_CHECKING:
    from framework.module import Module


@dataclass(frozen=True, slots=True)
class Configured:
    """What the values are read from: this installation, or for the documentation the defaults."""

    settings: Settings
    modules: "Sequence[Module]"
    of: "Callable[[type[ModuleSettings]], ModuleSettings]"
    """A module's settings."""


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


def ladder(modules: "Sequence[Module]") -> tuple[Timeout, ...]:
    from framework.rungs import rungs  # noqa: PLC0415 - it reads constants of whatever has one, and all of that reads this

    return (*rungs, *(timeout for module in modules for timeout in module.timeouts))


def out_of_order(configured: Configured) -> Iterator[Finding]:
    """``SM045`` for each rung that is not shorter than one that it has to end before."""
    rungs = {rung.name: rung for rung in ladder(configured.modules)}
    for inner in rungs.values():
        if inner.judged_by != SM045.id:
            continue
        for outer in filter(None, map(rungs.get, inner.before)):
            short, long = inner.seconds(configured), outer.seconds(configured)
            if short is not None and long is not None and short >= long:
                yield SM045.finding(
                    f"{inner.ends} ({inner.set_by}) may take {short:g} s, and {outer.ends.lower()} ({outer.set_by}) {long:g}",
                    hint=f"lower {inner.set_by}, or raise {outer.set_by}",
                    level=Level.WARNING if inner.outside or outer.outside else Level.ERROR,
                )
