"""Replication slots: while nobody receives, Postgres keeps WAL for them, until its disk is full or its patience ends."""

from framework.application import Application
from framework.findings import Code, Finding, Level

SM049 = Code(
    "SM049",
    "A replication slot endangers the disk or the backup",
    Level.WARNING,
    "Postgres keeps WAL for a slot until it is received. Without `max_slot_wal_keep_size` a receiver that is away (`sm backup wal`, a "
    "standby) fills the disk; with it, what it waited for too long is removed, and only a new base backup closes that gap.",
)
SLOTS = """
SELECT slot_name, active, coalesce(wal_status, '') AS wal_status, current_setting('max_slot_wal_keep_size') AS bound,
    pg_size_pretty(greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)) AS kept
FROM pg_replication_slots WHERE NOT temporary AND NOT pg_is_in_recovery() ORDER BY slot_name
"""


async def slot_findings(application: Application) -> list[Finding]:
    """Of every slot there is: any of them fills the same disk."""
    async with application.database.driver_connection() as connection:
        rows = await connection.fetch(SLOTS)
    found = []
    for row in rows:
        name = row["slot_name"]
        if row["wal_status"] == "lost":
            found.append(
                SM049.finding(
                    f"WAL that the slot {name} had not received is gone",
                    hint=f"SELECT pg_drop_replication_slot('{name}'), start its receiver again, and `sm backup base`",
                    level=Level.ERROR,
                )
            )
            continue
        if not row["active"]:
            found.append(
                SM049.finding(
                    f"nobody receives from the slot {name}, for which Postgres keeps {row['kept']} of WAL",
                    hint="start its receiver (`sm backup wal`), or drop the slot",
                )
            )
        if row["bound"] == "-1":
            found.append(
                SM049.finding(
                    f"Postgres keeps WAL for the slot {name} without a bound",
                    hint="ALTER SYSTEM SET max_slot_wal_keep_size = '…GB', far less than its disk has free",
                )
            )
    return found
