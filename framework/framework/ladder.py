"""The ladder of timeouts: what lies inside gives up before what lies around it (M. Nygard, "Release It!", "Timeouts").

Where both are the same, it is chance which of them speaks: the one that knows what happened, or the one that only knows
that it took too long.
"""

from collections.abc import Callable, Iterator, Sequence

from framework.codes import SM045
from framework.findings import Finding, Level
from framework.module import Module
from framework.policies import policy_of
from framework.rungs import rungs
from framework.settings import ModuleSettings, Settings
from framework.streams import is_stream
from framework.tasks.registry import tasks_of
from framework.timeouts import Configured, Timeout


def configured(
    settings: Settings, modules: Sequence[Module], of: Callable[[type[ModuleSettings]], ModuleSettings]
) -> Configured:
    """``of`` reads a module's settings."""
    routes = [route for module in modules if module.router for route in module.router.routes if not is_stream(route)]
    policies = [policy_of(getattr(route, "endpoint", None)) for route in routes]
    deadlines = [policy.deadline for policy in policies if policy is not None and policy.deadline is not None]
    return Configured(settings, of, deadlines, tuple(tasks_of(tuple(modules)).values()))


def ladder(modules: Sequence[Module]) -> tuple[Timeout, ...]:
    """Innermost first."""
    return (*rungs, *(timeout for module in modules for timeout in module.timeouts))


def out_of_order(ladder: Sequence[Timeout], configured: Configured) -> Iterator[Finding]:
    """``SM045`` for each rung that is not shorter than one that it has to end before."""
    by_name = {rung.name: rung for rung in ladder}
    for inner in ladder:
        if inner.judged_by != SM045.id:
            continue
        for outer in filter(None, map(by_name.get, inner.before)):
            short, long = inner.seconds(configured), outer.seconds(configured)
            if short is not None and long is not None and short >= long:
                yield SM045.finding(
                    f"{inner.ends} ({inner.set_by}) may take {short:g} s, and {outer.ends.lower()} ({outer.set_by}) {long:g}",
                    hint=f"lower {inner.set_by}, or raise {outer.set_by}",
                    level=Level.WARNING if inner.outside or outer.outside else Level.ERROR,
                )
