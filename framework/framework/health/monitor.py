"""All checks of one process: asked by people, and by itself, to close a module in time and to notice what changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from time import monotonic

import structlog
from prometheus_client import Gauge

from framework.application import Application
from framework.health.check import HealthCheck, HealthResult
from framework.health.connections import Connections
from framework.health.history import History
from framework.health.own import own_checks
from framework.health.readiness import Readiness
from framework.health.shared_run import within
from framework.health.watched import Watched

log = structlog.get_logger()
EVERY = 2.0
"""Seconds between two rounds of the checks that close their module."""
ALL_EVERY = 30.0
"""Seconds between two rounds of all checks, so that the history knows what nobody looked at."""
WRITTEN_WITHIN = 5.0
FAREWELL = 2.0
"""Seconds that the end of a process waits for what is still to be written."""
CLOSES_AFTER = 2
"""Failures in a row: one lost packet closes nothing."""

LEVELS = {"ok": 0, "degraded": 1, "failed": 2}
STATUS = Gauge("seamark_health_status", "A check's last status: 0 ok, 1 degraded, 2 failed.", ["module", "check"])
CLOSED = Gauge("seamark_module_closed", "Whether a module's routes answer 503 here: 1 or 0.", ["module"])


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a module's routes answer 503: the checks that fail, or that it did not start."""

    by: frozenset[str]
    since: datetime


class Health:
    """``closed`` is read by every request: a dictionary of modules, which only changes when one closes or opens."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._connections = Connections(application.settings)
        self._watched: dict[HealthCheck, Watched] = {}
        self._not_started: dict[str, HealthResult] = {}
        keep = timedelta(days=application.settings.health_history_days)
        self.history = History(lambda: self._connections.own, keep)
        self.closed: dict[str, Closed] = {}
        self.ready = Readiness(application, self._connections)

    async def results(self) -> list[HealthResult]:
        """Of every check, at once and each within its timeout."""
        results = await self._ask(self._checks())
        return [*results, *self._not_started.values()]

    def not_started(self, module: str) -> None:
        """Its lifespan has raised, and it is optional: it stays closed until a process is started with which it does."""
        now = datetime.now(UTC)
        name = f"{module}.lifespan"
        self._not_started[module] = result = HealthResult(
            name=name,
            module=module,
            status="degraded",
            critical=False,
            closes_module=True,
            affects="All of this module, until the process is started again.",
            remark="did not start; the log of this process says why",
            milliseconds=0,
            at=now,
            since=now,
        )
        self._close(module, name)
        self.history.note(result, lambda _: None)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While it lasts, modules are closed and opened, and changes are written down."""
        ending = asyncio.Event()
        watching, writing = asyncio.create_task(self._watch()), asyncio.create_task(self._write(ending))
        try:
            yield
        finally:
            watching.cancel()
            ending.set()
            await asyncio.wait({watching, writing}, timeout=FAREWELL)
            writing.cancel()
            await asyncio.wait({watching, writing})

    async def close(self) -> None:
        for watched in self._watched.values():
            await watched.close()
        await self.ready.close()
        await self._connections.close()

    def _checks(self) -> list[HealthCheck]:
        return [*own_checks, *(check for module in self._application.modules for check in module.health)]

    async def _ask(self, checks: list[HealthCheck]) -> list[HealthResult]:
        return list(await asyncio.gather(*(self._of(check).ask() for check in checks)))

    def _of(self, check: HealthCheck) -> Watched:
        watched = self._watched.get(check)
        if watched is None:
            watched = self._watched[check] = Watched(check, lambda: self._lent(check.module), self._note)
        return watched

    def _lent(self, module: str) -> Application:
        return self._connections.lent(self._application, module)

    async def _watch(self) -> None:
        # Replicas that were started together do not ask together.
        all_due = monotonic() + uniform(0, ALL_EVERY)  # noqa: S311 - spreads, and keeps no secret
        while True:
            checks = self._checks()
            if monotonic() < all_due:
                checks = [check for check in checks if check.closes_module]
            else:
                all_due = monotonic() + ALL_EVERY
            await self._ask(checks)
            await self._connections.rest()
            await asyncio.sleep(EVERY)

    async def _write(self, ending: asyncio.Event) -> None:
        left: set[asyncio.Future[None]] = set()
        while True:
            last = ending.is_set()
            # A Postgres that hangs is asked again; what waits to be written is kept.
            with suppress(TimeoutError):
                await within(WRITTEN_WITHIN, self.history.write(), left)
            if last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), EVERY)

    def _note(self, watched: Watched, result: HealthResult) -> None:
        """Of each run. What it says first is noted, too: it may have changed while nobody watched."""
        last = watched.noted
        watched.noted = result.status
        if last != result.status:
            STATUS.labels(result.module, result.name).set(LEVELS[result.status])
            self.history.note(result, watched.known_since)
        if watched.check.closes_module:
            if watched.failures >= CLOSES_AFTER:
                self._close(result.module, result.name)
            elif not watched.failures:
                self._open(result.module, result.name)

    def _close(self, module: str, check: str) -> None:
        known = self.closed.get(module)
        if known is None:
            log.error("module closed", module=module, check=check)
            CLOSED.labels(module).set(1)
            self.closed[module] = Closed(frozenset({check}), datetime.now(UTC))
        elif check not in known.by:
            self.closed[module] = Closed(known.by | {check}, known.since)

    def _open(self, module: str, check: str) -> None:
        known = self.closed.get(module)
        if known is None or check not in known.by:
            return
        if others := known.by - {check}:
            self.closed[module] = Closed(others, known.since)
            return
        del self.closed[module]
        log.info("module open again", module=module, check=check)
        CLOSED.labels(module).set(0)
