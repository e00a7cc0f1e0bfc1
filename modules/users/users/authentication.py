"""Whose session this is: one statement a request (DESIGN, "Sessions, people, permissions")."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from framework.application import Application
from framework.database import Database
from framework.principal import Authentication, Principal

if TYPE_CHECKING:
    from asyncpg import Connection, Record

log = structlog.get_logger()
ADMINISTRATOR = "administrator"
SEEN_EVERY = timedelta(minutes=1)
FLUSH_EVERY = 15.0

# The text never varies, so the driver prepares it once a connection. The limits are arguments: a shorter one counts at once.
_LOAD = """
SELECT session.id, session.last_seen_at, account.id AS account_id, account.email, account.name, account.administrator,
       array(SELECT role FROM users.account_role WHERE account_id = account.id ORDER BY role) AS roles,
       array(SELECT unnest(role.permissions) FROM users.account_role JOIN users.role ON role.name = account_role.role
             WHERE account_role.account_id = account.id) AS permissions
FROM users.session JOIN users.account ON account.id = session.account_id
WHERE session.token_digest = $1 AND session.ended_at IS NULL AND account.active
  AND session.created_at > now() - $2::interval AND session.last_seen_at > now() - $3::interval
"""

# Two processes may have seen the same sessions: neither waits for the other, and no order of locks can deadlock.
_SEEN = """
UPDATE users.session SET last_seen_at = now() WHERE id IN (
    SELECT id FROM users.session WHERE id = any($1::uuid[]) AND ended_at IS NULL FOR UPDATE SKIP LOCKED)
"""


async def load(connection: "Connection[Record]", digest: bytes, application: Application) -> Principal | None:
    """The person whose live session has this digest. The administrator holds every permission of the enabled modules."""
    settings = application.settings
    row = await connection.fetchrow(
        _LOAD,
        digest,
        timedelta(hours=settings.session_absolute_hours),
        timedelta(hours=settings.session_idle_hours),
    )
    if row is None:
        return None
    declared = application.permissions
    return Principal(
        user_id=row["account_id"],
        session_id=row["id"],
        email=row["email"],
        name=row["name"],
        roles=(ADMINISTRATOR, *row["roles"]) if row["administrator"] else tuple(row["roles"]),
        permissions=declared if row["administrator"] else declared.intersection(row["permissions"]),
        last_seen_at=row["last_seen_at"],
    )


class LastSeen:
    """When sessions were last used, written in batches and at most once a minute each, so that reading stays reading."""

    def __init__(self) -> None:
        self._seen: set[UUID] = set()

    def note(self, principal: Principal) -> None:
        if datetime.now(UTC) - principal.last_seen_at > SEEN_EVERY:
            self._seen.add(principal.session_id)

    async def flush(self, database: Database) -> None:
        if not self._seen:
            return
        seen, self._seen = self._seen, set()
        try:
            async with database.driver_connection() as connection:
                await connection.execute(_SEEN, list(seen))
            seen = set()
        except Exception as error:  # noqa: BLE001 - the database is away; these sessions are written when it is back
            log.warning("last use of sessions not written", sessions=len(seen), error=repr(error))
        finally:
            self._seen |= seen

    @asynccontextmanager
    async def flushing(self, database: Database) -> AsyncIterator[None]:
        """Within this block, what was noted is written every few seconds, and at its end."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(FLUSH_EVERY)
                await self.flush(database)

        task = asyncio.create_task(repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.flush(database)


last_seen = LastSeen()
authentication = Authentication(load=load, seen=last_seen.note)
