"""What a backup asks the server."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from host.backup import BackupError

if TYPE_CHECKING:
    from asyncpg import Connection, Record

TIMEOUT = 10.0
SERVER = """
SELECT system_identifier::text, current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version,
    pg_size_bytes(current_setting('wal_segment_size'))::bigint AS segment_size,
    (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline
FROM pg_control_system()
"""
SLOT = """
SELECT active, wal_status, restart_lsn - '0/0' AS received, pg_current_wal_flush_lsn() - '0/0' AS written,
    clock_timestamp() AS at
FROM pg_replication_slots WHERE slot_name = $1
"""


@dataclass(frozen=True, slots=True)
class Server:
    system_identifier: str
    """Made with the cluster, and the same in all that is restored from it."""
    major: int
    version: str
    segment_size: int
    """Bytes of a WAL segment."""
    timeline: int


@dataclass(frozen=True, slots=True)
class Slot:
    """Positions are bytes of WAL since the cluster was made."""

    active: bool
    lost: bool
    """Postgres removed WAL that was still to be received (``max_slot_wal_keep_size``)."""
    received: int
    written: int
    at: float
    """Seconds since the epoch, by the server's clock."""


async def connect(url: str) -> "Connection[Record]":
    """Raises ``BackupError``."""
    try:
        return await asyncpg.connect(
            url.replace("+asyncpg", ""), timeout=TIMEOUT, server_settings={"application_name": "seamark backup"}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise BackupError(f"Postgres: {error or type(error).__name__}") from error


async def ask_server(url: str) -> Server:
    """Raises ``BackupError``, also where the role may not do what a backup needs."""
    connection = await connect(url)
    try:
        row = await connection.fetchrow(SERVER)
        may = await connection.fetchval("SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user")
        user = await connection.fetchval("SELECT current_user")
        level = await connection.fetchval("SELECT current_setting('wal_level')")
    finally:
        await connection.close()
    if not may:
        raise BackupError(
            f"the role {user} may not replicate: ALTER ROLE {user} REPLICATION, or SM_BACKUP_DATABASE_URL"
        )
    if level == "minimal":
        raise BackupError(
            "wal_level is minimal, and then there is nothing to receive: set it to replica, and restart Postgres"
        )
    assert row is not None
    return Server(**row)


async def schema_heads(url: str) -> list[str]:
    """Alembic's; none where nobody migrated, or where the role may not read them (``pg_read_all_data``)."""
    connection = await connect(url)
    try:
        rows = await connection.fetch("SELECT version_num FROM seamark.alembic_version ORDER BY 1")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InsufficientPrivilegeError):
        return []
    finally:
        await connection.close()
    return [row[0] for row in rows]


async def ask_slot(connection: "Connection[Record]", name: str) -> Slot | None:
    row = await connection.fetchrow(SLOT, name)
    if row is None:
        return None
    return Slot(
        active=row["active"],
        lost=row["wal_status"] == "lost",
        received=int(row["received"] or 0),
        written=int(row["written"]),
        at=row["at"].timestamp(),
    )
