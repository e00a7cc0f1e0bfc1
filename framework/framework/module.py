"""The manifest: everything a module may contribute, one field each."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from framework.application import Application
from framework.checks import Check
from framework.events import Subscription
from framework.health import HealthCheck
from framework.metrics.postgres import PostgresGauges
from framework.principal import Authentication
from framework.rate_limits import RateLimit
from framework.routing import Router
from framework.settings import ModuleSettings
from framework.tasks import Schedule, Task
from framework.timeouts import Timeout


@dataclass(frozen=True, slots=True)
class Permission:
    """``name`` is ``<module>.<what>``; ``label`` is what an administrator reads when editing a role."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Navigation:
    """An entry of the application's navigation. ``icon`` names one of the design system's; lower ``order`` comes first."""

    label: str
    path: str
    icon: str
    permission: str | None = None
    group: str = "main"
    order: int = 100


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """``sm <name> <command>``: commands that belong together, under a word of their own."""

    name: str
    help: str
    """A sentence for ``sm --help``."""
    commands: tuple[Callable[..., None], ...]


def command_name(command: Callable[..., None] | CommandGroup) -> str:
    """The word on the command line: ``retry_all`` is ``retry-all``, and ``list_`` is ``list``."""
    name = command.name if isinstance(command, CommandGroup) else command.__name__
    return name.rstrip("_").replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A feature. ``module.py`` of its package holds one such value, named ``module``; importing it does nothing else.

    ``name`` is also the package, the URL prefix, the Postgres schema, the Alembic branch and the settings prefix.
    """

    name: str
    """Lower-case identifier; see above."""
    label: str
    """What people read."""
    requires: tuple[str, ...] = ()
    """Modules whose ``contract`` this one imports or whose service it needs; enabled along with it."""
    router: Router | None = None
    """API routes under ``/api/<name>``."""
    pages: tuple[str, ...] = ()
    """Paths of the browser application under ``/<name>``; ``{id}`` stands for one segment."""
    navigation: tuple[Navigation, ...] = ()
    permissions: tuple[Permission, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()
    """How often people may ask for its routes, beside the framework's own rules."""
    settings: type[ModuleSettings] | None = None
    """Read at boot from ``SM_<NAME>_…``."""
    tasks: tuple[Task, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    """Events of other modules (from their ``contract``) that this one acts on."""
    outgoing_hosts: tuple[str, ...] = ()
    """Hosts of other services that it calls (``api.example.com``). Metrics count these one by one, all others as one."""
    health: tuple[HealthCheck, ...] = ()
    """What ``/admin/health`` says of it. One that ``closes_module`` has its routes answer 503 while it fails."""
    optional: bool = False
    """Where its ``lifespan`` raises, the process starts without it: its routes answer 503 until the next start."""
    gauges: tuple[PostgresGauges, ...] = ()
    """What metrics say of its tables; beside these, metrics are values of ``prometheus_client`` next to what they count."""
    checks: tuple[Check, ...] = ()
    """What ``sm doctor`` asks of this module beyond the framework's own checks."""
    timeouts: tuple[Timeout, ...] = ()
    """Its rungs of the ladder of timeouts, beside those of requests."""
    commands: tuple[Callable[..., None] | CommandGroup, ...] = ()
    """Further ``sm`` commands: plain functions with Typer annotations, named like the command, and groups of such."""
    authentication: Authentication | None = None
    """Only for the one module that signs people in."""
    lifespan: Callable[[Application], AbstractAsyncContextManager[None]] | None = None
    """Entered when the web process starts, left (in reverse order) when it ends."""
    demo: Callable[[AsyncSession], Awaitable[None]] | None = None
    """Writes example data for ``sm demo``; must be harmless when run twice."""
