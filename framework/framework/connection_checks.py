"""Asks a connection what it may do without end."""

from framework.application import Application
from framework.codes import SM046
from framework.findings import Finding

BOUNDED = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


async def limitless(application: Application) -> list[Finding]:
    """One as requests get it: behind PgBouncer it is the role that says."""
    async with application.database.driver_connection() as connection:
        rows = await connection.fetch(
            "SELECT name FROM pg_settings WHERE name = ANY($1) AND setting = '0' ORDER BY name", list(BOUNDED)
        )
    return [
        SM046.finding(
            f"{row['name']} is 0 for the application's connections", hint=f"ALTER ROLE … SET {row['name']} = '…s'"
        )
        for row in rows
    ]
