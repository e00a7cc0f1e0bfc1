"""Whether this process can serve: Postgres answers, and its schema fits this code. Nothing else is asked, Redis least of all."""

import asyncio
from collections.abc import Mapping
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING

from framework.application import Application
from framework.health.connections import Connections
from framework.health.shared_run import RUNS, SharedRun, within
from framework.migrating.locations import FRAMEWORK, locations
from framework.migrating.revisions import Revision, read_revisions
from framework.migrating.state import compare, findings, read_applied

if TYPE_CHECKING:
    from asyncpg import Connection, Record

WITHIN = 2.0
"""Seconds for the answer; longer, and it is no."""
READY_FOR = 1.0
"""Seconds for which a yes holds, unless the connection that it came by ends: the driver knows of that at once."""
UNREADY_FOR = 0.25


class Readiness:
    """Keeps one connection of its own open: a probe costs no dialling, and the end of Postgres is noticed without one."""

    def __init__(self, application: Application, connections: Connections) -> None:
        self._application = application
        self._connections = connections
        self._shared = SharedRun(self._run)
        self._answer = False
        self._found_at = -float("inf")
        self._by: Connection[Record] | None = None
        self._left: set[asyncio.Future[bool]] = set()

    async def __call__(self) -> bool:
        age = monotonic() - self._found_at
        if self._answer:
            if age < READY_FOR and self._by is not None and not self._by.is_closed():
                return True
        elif age < UNREADY_FOR:
            return False
        return await self._shared.join()

    async def close(self) -> None:
        await self._shared.close()

    async def _run(self) -> bool:
        RUNS.labels("seamark.ready").inc()
        try:
            self._answer = await within(WITHIN, self._fits(), self._left)
        except Exception:  # noqa: BLE001 - not ready, whatever the reason; /admin/health tells those who may know
            self._answer = False
        self._found_at = monotonic()
        return self._answer

    async def _fits(self) -> bool:
        branches = frozenset({FRAMEWORK, *(module.name for module in self._application.modules)})
        code = await asyncio.to_thread(_revisions, branches)
        async with self._connections.own.driver_connection() as connection:
            applied = await read_applied(connection)
            self._by = connection
        return not findings(compare(code, applied, branches))


@cache
def _revisions(branches: frozenset[str]) -> Mapping[str, Revision]:
    """Of the code that runs, whatever its files have become since."""
    return read_revisions({name: folder for name, folder in locations().items() if name in branches})
