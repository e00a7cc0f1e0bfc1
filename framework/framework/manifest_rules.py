"""What the enabled manifests must keep to: names that show the owner, one owner for each thing, a policy on every route."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from framework.codes import SM006, SM007, SM008, SM011, SM020, SM044, SM048
from framework.findings import Finding
from framework.idempotency.route import may_take_effect_twice
from framework.module import Module, command_name
from framework.policies import policy_of
from framework.routing import Endpoint, endpoint_name, methods_of, shape
from framework.settings import Settings
from framework.streams import takes_session
from framework.threads import threaded


def problems_of(modules: Sequence[Module]) -> Iterator[Finding]:
    declared = {module.name: {item.name for item in module.permissions} for module in modules}
    for module in modules:
        yield from _foreign_names(module)
        yield from _route_problems(module, declared[module.name])
        usable = declared[module.name].union(*(declared.get(name, ()) for name in module.requires))
        yield from _navigation_problems(module, usable)
        yield from _schedule_problems(module)
    yield from _shared_claims(modules)


def _foreign_names(module: Module) -> Iterator[Finding]:
    name = module.name
    named = [
        *(("permission", item.name) for item in module.permissions),
        *(("task", item.name) for item in module.tasks),
        *(("the handler's task", item.task.name) for item in module.subscriptions),
        *(("schedule", item.entry) for item in module.schedules),
        *(("health check", item.name) for item in module.health),
        *(("rate limit", item.name) for item in module.rate_limits),
    ]
    for kind, value in named:
        if not value.startswith(f"{name}."):
            yield SM007.finding(f"{kind} {value!r} should be named {name}.…", hint="rename it", owner=name)
    for page in module.pages:
        if not _lies_under(page, f"/{name}"):
            yield SM007.finding(
                f"page {page!r} should lie under /{name}", hint="a page's path begins with its module", owner=name
            )
    for route in _endpoints(module):
        if not _lies_under(route.path, f"/api/{name}"):
            yield SM007.finding(
                f"route {route.path!r} should lie under /api/{name}", hint=f'router = Router("{name}")', owner=name
            )
    if module.settings is not None:
        prefix = module.settings.model_config.get("env_prefix", "")
        if prefix != f"SM_{name.upper()}_":
            yield SM007.finding(
                f"settings prefix {prefix!r} should be SM_{name.upper()}_",
                hint=f'model_config = SettingsConfigDict(env_prefix="SM_{name.upper()}_")',
                owner=name,
            )


def _lies_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _endpoints(module: Module) -> list[Endpoint]:
    return [route for route in (module.router.routes if module.router else ()) if isinstance(route, Endpoint)]


def _navigation_problems(module: Module, usable: Collection[str]) -> Iterator[Finding]:
    for item in module.navigation:
        if item.path not in module.pages:
            yield SM007.finding(
                f"navigation leads to {item.path!r}, which is not a page of {module.name}",
                hint="add it to the manifest's pages",
                owner=module.name,
            )
        if item.permission is not None and item.permission not in usable:
            yield SM007.finding(
                f"navigation to {item.path!r} asks for {item.permission!r}, which neither {module.name} nor what it requires declares",
                hint="add it to the manifest's permissions, or its module to requires",
                owner=module.name,
            )


def _schedule_problems(module: Module) -> Iterator[Finding]:
    tasks = {*module.tasks, *(item.task for item in module.subscriptions)}
    for schedule in module.schedules:
        if schedule.task not in tasks:
            yield SM007.finding(
                f"schedule {schedule.entry!r} is of the task {schedule.task.name!r}, which {module.name} does not declare",
                hint="add it to the manifest's tasks, or no worker would know it",
                owner=module.name,
            )


def _route_problems(module: Module, declared: Collection[str]) -> Iterator[Finding]:
    for route in module.router.routes if module.router else ():
        if not isinstance(route, Endpoint):
            yield SM020.finding(
                f"{type(route).__name__} {getattr(route, 'path', '')!r} is neither an HTTP nor a WebSocket route",
                hint="declare each route with @router…; a mounted application belongs into a process of its own",
                owner=module.name,
            )
            continue
        where = endpoint_name(route)
        policy = policy_of(route.endpoint)
        if policy is None:
            yield SM008.finding(
                f"{where} declares no policy",
                hint=f'@policy(require("{module.name}.view")) below @router…',
                owner=module.name,
            )
        elif policy.access.permission is not None and policy.access.permission not in declared:
            yield SM007.finding(
                f"{where} requires {policy.access.permission!r}, which {module.name} does not declare",
                hint="add it to the manifest's permissions",
                owner=module.name,
            )
        if policy and policy.rate_class not in {None, *(item.rate_class for item in module.rate_limits)}:
            yield SM007.finding(
                f"{where} is of the rate class {policy.rate_class!r}, which no rate limit of {module.name} counts",
                hint="add a rule to the manifest's rate_limits",
                owner=module.name,
            )
        if policy is not None and may_take_effect_twice(route, policy):
            yield SM048.finding(
                f"{where} keeps no idempotency key, so a repeated request takes effect again",
                hint="take the request's Session and ask for somebody signed in, or declare idempotent=True if it does no harm",
                owner=module.name,
            )
        for function in threaded(route):
            yield SM044.finding(
                f"{function} is not async, so it runs in a thread",
                hint="async def, and `await asyncio.to_thread(…)` around what blocks",
                owner=module.name,
            )
        if takes_session(route):
            yield SM011.finding(
                f"{where} streams its answer and takes the request's Session",
                hint="open a unit of work inside the stream",
                owner=module.name,
            )


def _shared_claims(modules: Sequence[Module]) -> Iterator[Finding]:
    owners = {("setting", f"SM_{field}".upper()): "seamark" for field in Settings.model_fields}
    for module in modules:
        for claim, count in Counter(_claims(module)).items():
            kind, value = claim
            first = owners.setdefault(claim, module.name)
            if first != module.name:
                yield SM006.finding(
                    f"{kind} {value!r} belongs to {first} and to {module.name}",
                    hint="rename it in one of them",
                    owner=module.name,
                )
            if count > 1:
                yield SM006.finding(
                    f"{kind} {value!r} is declared {count} times", hint="keep one of them", owner=module.name
                )
    authenticating = [module.name for module in modules if module.authentication]
    if len(authenticating) > 1:
        yield SM006.finding(
            f"{' and '.join(authenticating)} both authenticate",
            hint="leave one of them out of SM_MODULES_ENABLED",
            owner=authenticating[1],
        )


def _claims(module: Module) -> Iterator[tuple[str, str]]:
    """Everything that only one may have, as it is told apart at run time."""
    yield from (("page", shape(page)) for page in module.pages)
    yield from (("permission", item.name) for item in module.permissions)
    yield from (("task", item.name) for item in module.tasks)
    yield from (("task", item.task.name) for item in module.subscriptions)
    yield from (("schedule", item.entry) for item in module.schedules)
    yield from (("health check", item.name) for item in module.health)
    yield from (("rate limit", item.name) for item in module.rate_limits)
    yield from (("command", command_name(command)) for command in module.commands)
    for route in _endpoints(module):
        yield from (("route", f"{method} {shape(route.path)}") for method in methods_of(route))
    if module.settings is not None:
        prefix = module.settings.model_config.get("env_prefix", "")
        yield from (("setting", f"{prefix}{field}".upper()) for field in module.settings.model_fields)
