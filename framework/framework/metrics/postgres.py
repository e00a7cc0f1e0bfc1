"""Figures that Postgres knows and no process: asked when Prometheus asks, beside the pool of the requests."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg
import structlog
from prometheus_client.core import GaugeMetricFamily

from framework.database import Database
from framework.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection, Record

log = structlog.get_logger()
PATIENCE = 2.0
"""Seconds for the connection and all statements together."""
AVAILABLE = "seamark_postgres_available", "Whether a connection to Postgres could be had in time: 1 or 0."
MOST = 100
"""Rows that are taken of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresGauges:
    """What one statement says, for the manifest's ``gauges``. A row holds the values of ``labels``, then one for each gauge.

    Labels take few values (``framework.metrics``). All processes together ask it once in ``every`` seconds on each
    machine, and drop what has taken longer than two.
    """

    statement: str
    gauges: tuple[tuple[str, str], ...]
    """Name and description of each."""
    labels: tuple[str, ...] = ()
    arguments: Callable[[Settings], tuple[Any, ...]] = lambda _: ()
    """Of the statement."""
    every: float = 5


class HasGauges(Protocol):
    """A manifest."""

    @property
    def gauges(self) -> tuple[PostgresGauges, ...]: ...


def gauges_of(modules: Iterable[HasGauges]) -> list[PostgresGauges]:
    return [gauges for module in modules for gauges in module.gauges]


class PostgresFigures:
    def __init__(self, settings: Settings, asked: Sequence[PostgresGauges]) -> None:
        self._settings = settings
        self._asked = asked
        self._known: dict[PostgresGauges, tuple[float, list[GaugeMetricFamily]]] = {}
        self._available = False
        self._turn = asyncio.Lock()

    async def families(self) -> list[GaugeMetricFamily]:
        """None of what Postgres did not say in time: a figure that nobody knows is not 0."""
        if not self._asked:
            return []
        async with self._turn:
            now = monotonic()
            due = [one for one in self._asked if one not in self._known or now - self._known[one][0] >= one.every]
            for one in due:
                self._known.pop(one, None)
            if due:
                self._available = False
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self._ask(due)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other metrics are served
                    log.warning("metrics without what Postgres knows", error=repr(error))
            known = [family for one in self._asked for family in self._known.get(one, (0, []))[1]]
            return [*known, GaugeMetricFamily(*AVAILABLE, float(self._available))]

    async def _ask(self, due: Sequence[PostgresGauges]) -> None:
        # A connection for each time: none is held meanwhile, and none can have been lost.
        changes = {"database_statement_timeout": PATIENCE, "database_url": self._settings.database_url}
        if self._settings.database_direct_url is not None:
            changes |= {"database_url": self._settings.database_direct_url, "database_pgbouncer": False}
        database = Database(self._settings.model_copy(update=changes), "metrics", pool_size=1)
        try:
            async with database.driver_connection() as connection:
                self._available = True
                for one in due:
                    try:
                        self._known[one] = (monotonic(), await _answer(connection, one, self._settings))
                    except asyncpg.PostgresError as error:
                        log.warning("metrics without", gauges=[name for name, _ in one.gauges], error=repr(error))
        finally:
            with suppress(Exception):
                await database.close()


async def _answer(
    connection: "Connection[Record]", asked: PostgresGauges, settings: Settings
) -> list[GaugeMetricFamily]:
    rows = (await connection.fetch(asked.statement, *asked.arguments(settings)))[:MOST]
    families = []
    for position, (name, description) in enumerate(asked.gauges, len(asked.labels)):
        family = GaugeMetricFamily(name, description, labels=asked.labels)
        for row in rows:
            if row[position] is not None:
                family.add_metric([str(value) for value in row[: len(asked.labels)]], float(row[position]))
        families.append(family)
    return families
