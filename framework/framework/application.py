"""What one process holds: settings, modules and the shared services."""

from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from framework.circuit_breaker import Breakers
from framework.database import Database
from framework.drain import Drain
from framework.error_reports.reporter import ErrorReporter
from framework.idempotency.turns import Turns
from framework.rate_limits import overrides
from framework.rate_limits.limiter import RateLimiter
from framework.rate_limits.rules import Rules
from framework.redis_link import RedisLink
from framework.sessions import SessionCookie
from framework.settings import Settings
from framework.tasks.wake import Waker

if TYPE_CHECKING:
    # The other way round for types only: manifests and checks are made of functions that are given an application.
    from framework.checks import Check
    from framework.health.monitor import Health
    from framework.module import Module
    from framework.outgoing.client import Outgoing


@dataclass(slots=True)
class Application:
    """Given to health checks, dynamic checks, lifespans, tasks and (as a dependency) to routes."""

    settings: Settings
    modules: "tuple[Module, ...]"
    database: Database
    redis: Redis
    """For what may take its time; inside a request ``link`` is the one."""
    link: RedisLink
    checks: "tuple[Check, ...]" = ()
    """What the host asks of this installation beyond the framework's and the modules' own checks."""
    cookie: SessionCookie = field(init=False)
    permissions: frozenset[str] = field(init=False)
    """Every permission that an enabled module declares."""
    limiter: RateLimiter = field(init=False)
    waker: Waker = field(init=False)
    turns: Turns = field(init=False, default_factory=Turns)
    """Of requests that came with one idempotency key."""
    breakers: Breakers = field(init=False)
    """Whether a service that this calls answered lately; ``http`` asks them by itself."""
    drain: Drain = field(init=False)
    """Whether this process is about to end."""
    error_reports: ErrorReporter = field(init=False)
    """Hears of errors that nobody handled."""
    started_at: float = field(init=False, default_factory=monotonic)
    _health: "Health | None" = field(init=False, default=None)
    _http: "Outgoing | None" = field(init=False, default=None)
    _lender: "Application | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.cookie = SessionCookie(self.settings)
        self.permissions = frozenset(item.name for module in self.modules for item in module.permissions)
        # What cannot be read of the setting is a finding of the boot's (SM041).
        readable, _ = overrides.parse(self.settings.rate_limits)
        self.limiter = RateLimiter(Rules(self.modules, readable), self.link)
        self.waker = Waker(self.database)
        self.breakers = Breakers(self.link)
        self.error_reports = ErrorReporter(self.settings)
        self.drain = Drain(self.settings.drain_delay, self.settings.drain_timeout)
        self.database.session_info["application"] = self

    @property
    def http(self) -> "Outgoing":
        """The client for calls to other services."""
        if self._lender is not None:
            return self._lender.http
        if self._http is None:
            # Not above: commands that call nobody start a quarter of a second earlier without it.
            from framework.outgoing.opening import open_http  # noqa: PLC0415

            declared = chain.from_iterable(module.outgoing_hosts for module in self.modules)
            self._http = open_http(self.settings, self.breakers, declared)
        return self._http

    def module(self, name: str) -> "Module | None":
        return next((module for module in self.modules if module.name == name), None)

    @property
    def health(self) -> "Health":
        """What the checks say in this process, and which modules are closed because of it."""
        if self._health is None:
            # Only who serves asks: neither a worker nor a command.
            from framework.health.monitor import Health  # noqa: PLC0415

            self._health = Health(self)
        return self._health

    def borrowing(self, database: Database) -> "Application":
        """The same, with its connections from another pool."""
        twin = copy(self)
        twin.database, twin._lender = database, self
        database.session_info["application"] = twin
        return twin

    async def close(self) -> None:
        if self._health is not None:
            await self._health.close()
        await self.waker.close()
        if self._http is not None:
            await self._http.close()
        await self.breakers.close()
        await self.database.close()
        await self.link.close()
        await self.redis.aclose()
        await self.error_reports.close()


def connect(settings: Settings, modules: "tuple[Module, ...]", process: str) -> Application:
    """Opens no connection yet: Postgres and Redis are dialled when first needed."""
    # 100 ms and no retries: Redis is for speed, and a frozen one must not hold a request (reliability bar, E14).
    url = settings.redis_url.get_secret_value()
    redis = Redis.from_url(
        url,
        socket_timeout=0.1,
        socket_connect_timeout=0.1,
        retry=Retry(NoBackoff(), 0),
        client_name=f"seamark-{process}",
    )
    return Application(settings, modules, Database(settings, process), redis, RedisLink(url, process))


async def _application(request: Request) -> Application:
    application = request.app.state.application
    assert isinstance(application, Application)
    return application


CurrentApplication = Annotated[Application, Depends(_application)]
