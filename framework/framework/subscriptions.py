"""Who is told of an event, in Postgres: ``sm migrate`` writes it from the enabled manifests, ``publish`` reads it.

Every process then publishes for everybody, also one that loads few modules (ADR 0014).
"""

from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING

from framework.codes import SM040
from framework.findings import Finding, Level

if TYPE_CHECKING:
    from asyncpg import Connection, Record

    from framework.application import Application
    from framework.module import Module


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A row of ``seamark.subscription``."""

    event: str
    task: str
    module: str
    queue: str
    priority: int
    ordered: bool
    retention: timedelta | None


COLUMNS = ", ".join(field.name for field in fields(Subscriber))
READ = f"SELECT {COLUMNS} FROM seamark.subscription"  # noqa: S608 - names of our own
WRITE = f"INSERT INTO seamark.subscription ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608


def subscribers_of(modules: "Iterable[Module]") -> frozenset[Subscriber]:
    """What the registry should hold when these are the enabled modules."""
    return frozenset(
        Subscriber(
            subscription.event.event_name,
            subscription.task.name,
            module.name,
            subscription.queue,
            subscription.priority,
            subscription.ordered,
            subscription.retention,
        )
        for module in modules
        for subscription in module.subscriptions
    )


async def write_subscriptions(connection: "Connection[Record]", modules: "Iterable[Module]") -> None:
    """Have exactly these modules' subscriptions in the registry."""
    wanted = subscribers_of(modules)
    async with connection.transaction():
        if await _read(connection) == wanted:
            return
        await connection.execute("DELETE FROM seamark.subscription")
        await connection.executemany(WRITE, [astuple(subscriber) for subscriber in wanted])


async def subscription_findings(application: "Application") -> list[Finding]:
    """SM040 where the registry is not what the enabled modules want; the database's own errors pass through."""
    async with application.database.driver_connection() as connection:
        if not await connection.fetchval("SELECT to_regclass('seamark.subscription') IS NOT NULL"):
            return []  # SM010 says more of a database that is behind.
        registered = await _read(connection)
    return differences(registered, application.modules)


def differences(registered: Iterable[Subscriber], modules: "Iterable[Module]") -> list[Finding]:
    """A finding for each subscriber that ``modules`` want otherwise than it is ``registered``."""
    modules = tuple(modules)
    enabled = {module.name for module in modules}
    written = {(subscriber.event, subscriber.task): subscriber for subscriber in registered}
    wanted = {(subscriber.event, subscriber.task): subscriber for subscriber in subscribers_of(modules)}
    return [
        _difference(written.get(key), wanted.get(key), enabled)
        for key in sorted(written.keys() | wanted.keys())
        if written.get(key) != wanted.get(key)
    ]


def _difference(written: Subscriber | None, wanted: Subscriber | None, enabled: Collection[str]) -> Finding:
    hint, level = "`sm migrate` writes down who is told of what", Level.WARNING
    match written, wanted:
        case None, Subscriber() as meant:
            said = f"{meant.module} is not told of {meant.event}"
        case Subscriber(), Subscriber() as meant:
            said = f"{meant.module} is told of {meant.event}, but not as its manifest has it"
        case Subscriber() as meant, _ if meant.module in enabled:
            said = f"{meant.module} is told of {meant.event}, and has no handler for it"
        case Subscriber() as meant, _:
            # As it should be in a process with few modules, which publishes for all the others.
            said = f"{meant.module} is told of {meant.event}, and is not enabled here"
            hint, level = (
                "`sm migrate`, if it is enabled nowhere: what it is told waits for a worker that has it",
                Level.INFO,
            )
    return SM040.finding(said, hint=hint, owner=meant.module, level=level)


async def _read(connection: "Connection[Record]") -> frozenset[Subscriber]:
    return frozenset(Subscriber(*row) for row in await connection.fetch(READ))
