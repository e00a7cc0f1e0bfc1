"""Finds the enabled modules, closes them over what they require and puts them into order."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint, entry_points

import structlog
from pydantic import ValidationError

from framework.codes import SM002, SM003, SM004, SM005, SM006
from framework.findings import BootError, Finding
from framework.manifest_rules import problems_of
from framework.module import Module
from framework.module_names import refusal, stranger

log = structlog.get_logger()
GROUP = "seamark.modules"
BY_SETTING = "SM_MODULES_ENABLED"


def installed() -> dict[str, EntryPoint]:
    """Every module that some installed distribution provides, by name; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_modules(enabled: Sequence[str] | None) -> tuple[Module, ...]:
    """The enabled modules (``None``: all installed) in dependency order. Raises ``BootError`` with all problems.

    Only these modules and those they require are imported.
    """
    available = installed()
    problems: list[Finding] = []
    modules: dict[str, Module] = {}
    seen: set[str] = set()
    wanted = [(name, BY_SETTING) for name in (available if enabled is None else enabled)]
    while wanted:
        name, wanted_by = wanted.pop(0)
        point = available.get(name)
        if point is None:
            problems.append(_not_installed(name, wanted_by, available))
            continue
        if name in seen:
            continue
        seen.add(name)
        if refused := list(_name_problems(point)):
            problems += refused
            continue
        loaded = _import(point)
        if not isinstance(loaded, Module):
            problems += loaded
            continue
        if wanted_by != BY_SETTING:
            log.info("module enabled because another requires it", module=name, required_by=wanted_by)
        modules[name] = loaded
        wanted.extend((required, name) for required in loaded.requires)
    ordered, cycle = _order(modules)
    problems += [*cycle, *problems_of(ordered)]
    if problems:
        raise BootError(list(dict.fromkeys(problems)))
    return ordered


def _name_problems(point: EntryPoint) -> Iterator[Finding]:
    """Asked before the import, which a bad name could send to somebody else's code."""
    name = point.name
    if reason := refusal(name):
        yield SM005.finding(
            f"the module name {name!r} {reason}", hint="rename the folder, the package and the entry point", owner=name
        )
        return
    providers = sorted({other.dist.name for other in entry_points(group=GROUP, name=name) if other.dist})
    if len(providers) > 1:
        yield SM006.finding(
            f"module {name!r} belongs to {' and to '.join(providers)}", hint=f"uv remove {providers[-1]}", owner=name
        )
    if point.module.partition(".")[0] != name:
        yield SM005.finding(
            f"the module {name!r} lies in the package {point.module.partition('.')[0]!r}",
            hint=f'{name} = "{name}.module:module" under [project.entry-points."{GROUP}"]',
            owner=name,
        )
    elif elsewhere := stranger(point):
        provider = point.dist.name if point.dist else "its distribution"
        yield SM005.finding(
            f"the module name {name!r} is taken: Python imports that package from {elsewhere}, not from {provider}",
            hint="rename the folder, the package and the entry point",
            owner=name,
        )


def _import(point: EntryPoint) -> Module | list[Finding]:
    try:
        module = point.load()
    except BootError as error:
        return error.findings
    except Exception as error:  # noqa: BLE001 - the boot lists it beside all other problems
        # A validation error repeats what it was given, and that may be a secret.
        said = error.title if isinstance(error, ValidationError) else str(error)
        return [
            SM002.finding(
                f"{point.value} raised {type(error).__name__}: {said}",
                hint=f"python -c 'import {point.module}' shows the traceback",
                owner=point.name,
            )
        ]
    if not isinstance(module, Module):
        return [
            SM002.finding(
                f"{point.value} is of the type {type(module).__name__}, not a Module",
                hint="module = Module(name=…) in its module.py",
                owner=point.name,
            )
        ]
    if module.name != point.name:
        return [
            SM002.finding(
                f"{point.value} calls itself {module.name!r}",
                hint="the entry point, the folder and Module(name=…) are one name",
                owner=point.name,
            )
        ]
    return module


def _not_installed(name: str, wanted_by: str, available: Mapping[str, EntryPoint]) -> Finding:
    return SM003.finding(
        f"{wanted_by} asks for {name!r}, which is not installed",
        hint=f"installed: {', '.join(available) or 'none'}. In the tree: `uv sync --all-packages`; elsewhere: `uv add seamark-{name.replace('_', '-')}`",
        owner=wanted_by if wanted_by != BY_SETTING else "seamark",
    )


def _order(modules: Mapping[str, Module]) -> tuple[tuple[Module, ...], list[Finding]]:
    graph = {name: [other for other in module.requires if other in modules] for name, module in modules.items()}
    try:
        return tuple(modules[name] for name in TopologicalSorter(graph).static_order()), []
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        return tuple(modules.values()), [
            SM004.finding(
                f"{circle} require each other",
                hint="move what both need into one of them, or turn a call into an event",
            )
        ]
