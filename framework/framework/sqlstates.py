"""What Postgres says is wrong (PostgreSQL, appendix A): five characters that, unlike the message, no locale translates."""

import asyncpg
from sqlalchemy.exc import DBAPIError

QUERY_CANCELED = "57014"
"""``statement_timeout``, or an administrator."""
LOCK_NOT_AVAILABLE = "55P03"
"""``lock_timeout``, or ``NOWAIT``."""
DEADLOCK_DETECTED = "40P01"
DISK_FULL = "53100"


def sqlstate(error: BaseException) -> str | None:
    """Of a statement that Postgres refused, whichever way it went there."""
    if isinstance(error, DBAPIError):
        found = getattr(error.orig, "sqlstate", None)
        return found if isinstance(found, str) else None
    return error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
