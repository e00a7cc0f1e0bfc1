"""Finds the enabled modules, closes them over what they require and puts them into order."""

import keyword
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

import structlog

from framework.codes import SM002, SM003, SM004, SM005, SM006, SM007, SM008, SM011
from framework.findings import BootError, Finding
from framework.module import Module
from framework.routing import methods_of
from framework.streams import takes_session

log = structlog.get_logger()
GROUP = "seamark.modules"
RESERVED = frozenset(
    {"seamark", "public", "api", "build", "health", "metrics", "docs", "host", "framework", "tests", "migrations"}
)
# Postgres' reserved words that are lower-case Python identifiers (SQL key words, appendix C): a schema of this name would need quotes.
SQL_KEYWORDS = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with""".split()
)


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
    wanted = [(name, "SM_MODULES_ENABLED") for name in (available if enabled is None else enabled)]
    while wanted:
        name, wanted_by = wanted.pop(0)
        if name in modules:
            continue
        point = available.get(name)
        if point is None:
            problems.append(_not_installed(name, wanted_by, available))
            continue
        loaded = _import(point)
        if isinstance(loaded, Finding):
            problems.append(loaded)
            continue
        if wanted_by != "SM_MODULES_ENABLED":
            log.info("module enabled because another requires it", module=name, required_by=wanted_by)
        modules[name] = loaded
        wanted.extend((required, name) for required in loaded.requires)
    ordered, cycle = _order(modules)
    problems.extend(cycle)
    problems.extend(_problems_of(ordered))
    if problems:
        raise BootError(list(dict.fromkeys(problems)))
    return ordered


def _import(point: EntryPoint) -> Module | Finding:
    try:
        module = point.load()
    except Exception as error:  # noqa: BLE001 - the boot lists it beside all other problems
        return SM002.finding(
            f"{point.value} raised {type(error).__name__}: {error}",
            hint=f"python -c 'import {point.module}' shows the traceback",
            owner=point.name,
        )
    if not isinstance(module, Module):
        return SM002.finding(f"{point.value} is a {type(module).__name__}, not a Module", owner=point.name)
    if module.name != point.name:
        return SM002.finding(
            f"{point.value} calls itself {module.name!r}",
            hint="the entry point, the folder and Module(name=…) are one name",
            owner=point.name,
        )
    return module


def _not_installed(name: str, wanted_by: str, available: Mapping[str, EntryPoint]) -> Finding:
    return SM003.finding(
        f"{wanted_by} asks for {name!r}, which is not installed",
        hint=f"installed: {', '.join(available) or 'none'}. In the tree: `uv sync --all-packages`; elsewhere: `uv add seamark-{name.replace('_', '-')}`",
        owner=wanted_by if wanted_by != "SM_MODULES_ENABLED" else "seamark",
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


def _problems_of(modules: Sequence[Module]) -> Iterator[Finding]:
    for module in modules:
        yield from _name_problems(module.name)
        yield from _prefix_problems(module)
        yield from _route_problems(module)
    yield from _duplicates(modules)


def _name_problems(name: str) -> Iterator[Finding]:
    reason = ""
    if (
        not name.isidentifier()
        or name != name.lower()
        or not name.isascii()
        or keyword.iskeyword(name)
        or name.startswith("_")
    ):
        reason = "is not a lower-case Python identifier"
    elif name in RESERVED or name.startswith("pg_"):
        reason = "is reserved"
    elif name in SQL_KEYWORDS:
        reason = "is an SQL keyword"
    elif name in sys.stdlib_module_names:
        reason = "is a module of Python's standard library"
    if reason:
        yield SM005.finding(
            f"the module name {name!r} {reason}", hint="rename the folder, the package and the entry point", owner=name
        )


def _prefix_problems(module: Module) -> Iterator[Finding]:
    name = module.name
    named = [
        *(("permission", item.name) for item in module.permissions),
        *(("task", item.name) for item in module.tasks),
        *(("health check", item.name) for item in module.health),
    ]
    for kind, value in named:
        if not value.startswith(f"{name}."):
            yield SM007.finding(f"{kind} {value!r} should be named {name}.…", owner=name)
    for page in module.pages:
        if page != f"/{name}" and not page.startswith(f"/{name}/"):
            yield SM007.finding(f"page {page!r} should lie under /{name}", owner=name)
    if module.router is not None:
        for route in module.router.routes:
            path = getattr(route, "path", "")
            if path != f"/api/{name}" and not path.startswith(f"/api/{name}/"):
                yield SM007.finding(
                    f"route {path!r} should lie under /api/{name}", hint=f'router = Router("{name}")', owner=name
                )
    if module.settings is not None:
        prefix = module.settings.model_config.get("env_prefix", "")
        if prefix != f"SM_{name.upper()}_":
            yield SM007.finding(f"settings prefix {prefix!r} should be SM_{name.upper()}_", owner=name)


def _route_problems(module: Module) -> Iterator[Finding]:
    declared = {permission.name for permission in module.permissions}
    for route in module.router.routes if module.router else ():
        endpoint = getattr(route, "endpoint", None)
        found = getattr(endpoint, "__policy__", None)
        where = f"{endpoint.__module__}.{endpoint.__qualname__}" if endpoint else repr(route)
        if found is None:
            yield SM008.finding(
                f"{where} declares no policy",
                hint=f'@policy(require("{module.name}.view")) below @router…',
                owner=module.name,
            )
        elif found.access.permission is not None and found.access.permission not in declared:
            yield SM007.finding(
                f"{where} requires {found.access.permission!r}, which {module.name} does not declare",
                hint="add it to the manifest's permissions",
                owner=module.name,
            )
        if takes_session(route):
            yield SM011.finding(
                f"{where} streams its answer and takes the request's Session",
                hint="open a unit of work inside the stream",
                owner=module.name,
            )


def _duplicates(modules: Sequence[Module]) -> Iterator[Finding]:
    owners: dict[tuple[str, str], str] = {}
    for module in modules:
        for kind, value in _claims(module):
            first = owners.setdefault((kind, value), module.name)
            if first != module.name:
                yield SM006.finding(
                    f"{kind} {value!r} belongs to {first} and to {module.name}",
                    hint="remove it from one of them",
                    owner=module.name,
                )
        for claim, count in _counted(_claims(module)).items():
            if count > 1:
                yield SM006.finding(f"{claim[0]} {claim[1]!r} is declared {count} times", owner=module.name)
    authenticating = [module.name for module in modules if module.authentication]
    if len(authenticating) > 1:
        yield SM006.finding(
            f"{' and '.join(authenticating)} both authenticate", hint="enable one of them", owner=authenticating[1]
        )


def _claims(module: Module) -> list[tuple[str, str]]:
    claims = [("page", page) for page in module.pages]
    claims += [("permission", item.name) for item in module.permissions]
    claims += [("task", item.name) for item in module.tasks]
    claims += [("health check", item.name) for item in module.health]
    claims += [("command", command.__name__) for command in module.commands]
    for route in module.router.routes if module.router else ():
        claims += [("route", f"{method} {getattr(route, 'path', '')}") for method in methods_of(route)]  # type: ignore[arg-type]
    return claims


def _counted(claims: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for claim in claims:
        counts[claim] = counts.get(claim, 0) + 1
    return counts


def package_location(name: str) -> str | None:
    """The folder of an installed module's package, found without importing it."""
    spec = find_spec(name)
    return next(iter(spec.submodule_search_locations or ()), None) if spec else None
