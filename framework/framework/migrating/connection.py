"""The connection that migrates: past PgBouncer, impatient with locks, and one at a time."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, cast

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from framework.setting_types import PostgresUrl
from framework.settings import EnvironmentSettings

if TYPE_CHECKING:
    from asyncpg import Connection, Record

LOCK = int.from_bytes(b"sm_migra")
POLL = 0.2
LOCK_TIMEOUT = 4.0


class MigrationSettings(EnvironmentSettings):
    """The settings that a migration needs; a job that migrates is given no others."""

    model_config = SettingsConfigDict(env_prefix="SM_")

    database_url: PostgresUrl = Field(description="`postgresql+asyncpg://user:password@host/database`")
    database_direct_url: PostgresUrl | None = None
    database_pgbouncer: bool = False

    @property
    def url(self) -> str:
        if self.database_pgbouncer and self.database_direct_url is None:
            raise MigrationError(
                "SM_DATABASE_URL is PgBouncer, where a migrator cannot hold its lock: "
                "set SM_DATABASE_DIRECT_URL to the address of Postgres itself"
            )
        return (self.database_direct_url or self.database_url).get_secret_value()


class MigrationError(Exception):
    """Nothing was migrated, or not everything; the message says why and what to do."""


@asynccontextmanager
async def migration_connection(url: str) -> AsyncIterator[AsyncConnection]:
    """Raises ``MigrationError`` where there is no such database, or none that lets us in."""
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "timeout": 10,
            # Statements are kept for repetition; a migration repeats none and changes what they were prepared against.
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "server_settings": {
                "application_name": "seamark migrate",
                # Not "$user": a role called like a module would make that module's schema the default one, which Alembic
                # takes for no schema at all.
                "search_path": "public",
                # A statement that waits for a lock makes everybody behind it wait too, so it gives up and tries again.
                "lock_timeout": str(int(LOCK_TIMEOUT * 1000)),
                # A killed migrator's statement ends within a second, and the lock with it.
                "client_connection_check_interval": "1000",
            },
        },
    )
    try:
        try:
            connection = await engine.connect()
        except (DBAPIError, OSError) as error:
            where = f"{engine.url.host}:{engine.url.port or 5432}/{engine.url.database}"
            raise MigrationError(f"Postgres at {where}: {reason(error)}") from error
        async with aclosing(connection):
            yield connection
    finally:
        await engine.dispose()


def reason(error: Exception) -> str:
    """What the server said, without the names of the classes that it came through."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return re.sub(r"^<class '[^']*'>: ", "", said) or type(error).__name__


async def driver_of(connection: AsyncConnection) -> "Connection[Record]":
    """asyncpg's own connection: its statements open no transaction."""
    raw = await connection.get_raw_connection()
    return cast("Connection[Record]", raw.driver_connection)


@asynccontextmanager
async def only_migrator(
    connection: AsyncConnection, on_wait: Callable[[str], None], patience: float = 3600
) -> AsyncIterator[None]:
    """Hold the database's migration lock, waiting for whoever has it. Raises ``MigrationError`` after ``patience`` seconds.

    Polled: a blocking ``pg_advisory_lock`` is a transaction that waits, which CREATE INDEX CONCURRENTLY in the
    holder waits for in turn, and Postgres sees no deadlock in that. Held by the session that migrates, so that a
    killed migrator's lock ends with its last statement and not before.
    """
    driver = await driver_of(connection)
    deadline = monotonic() + patience
    said = False
    while not await driver.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        if not said:
            on_wait(await _holder(driver))
            said = True
        if monotonic() > deadline:
            raise MigrationError(f"{await _holder(driver)} still migrates after {patience:g} s")
        await asyncio.sleep(POLL)
    try:
        yield
    finally:
        # The connection may be the reason for leaving; then the lock is gone with it.
        with suppress(DBAPIError, OSError):
            await driver.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _holder(driver: "Connection[Record]") -> str:
    row = await driver.fetchrow(
        "SELECT pid, client_addr, date_trunc('second', backend_start) AS since FROM pg_locks "
        "JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND (classid::bigint << 32) + objid::bigint = $1",
        LOCK,
    )
    return (
        f"another migrator (Postgres process {row['pid']}, since {row['since']:%H:%M:%S} UTC)"
        if row
        else "another migrator"
    )
