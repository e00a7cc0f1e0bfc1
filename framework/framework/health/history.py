"""What changed and when, kept in Postgres once for all processes; kept back while Postgres is away."""

import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from framework.database import Database
from framework.health.check import HealthResult, Status

log = structlog.get_logger()
MOST_KEPT_BACK = 1000
"""Changes; then the oldest are forgotten."""

LOCK = "SELECT pg_advisory_xact_lock(hashtext('seamark.health_change'), hashtext($1))"
# Nothing where it was so already. One that comes late, of a process that lost its network, and tells the same as the next
# row, makes that row begin sooner. Nobody was told of a check that has been well ever since it exists.
KEEP = """
WITH before AS (
    SELECT status, at FROM seamark.health_change
    WHERE check_name = $2 AND at <= $5 ORDER BY at DESC, id DESC LIMIT 1
), after AS (
    SELECT id, status FROM seamark.health_change WHERE check_name = $2 AND at > $5 ORDER BY at, id LIMIT 1
), is_new AS (
    SELECT coalesce((SELECT status FROM before), 'ok') <> $3 AS is_new
), sooner AS (
    UPDATE seamark.health_change AS kept SET at = $5 FROM after, is_new
    WHERE kept.id = after.id AND after.status = $3 AND is_new RETURNING kept.id
), kept AS (
    INSERT INTO seamark.health_change (id, check_name, status, remark, at, process)
    SELECT $1, $2, $3, $4, $5, $6 FROM is_new
    WHERE is_new AND NOT EXISTS (SELECT FROM after WHERE status = $3) RETURNING id
)
SELECT is_new, CASE WHEN is_new THEN $5 ELSE (SELECT at FROM before) END AS since,
    EXISTS (SELECT FROM kept) AS kept FROM is_new
"""
# The last one of each check stays, however old: it says since when.
FORGET = """
DELETE FROM seamark.health_change AS old WHERE at < now() - $1::interval AND EXISTS (
    SELECT FROM seamark.health_change AS later WHERE later.check_name = old.check_name AND later.at > old.at
)
"""


@dataclass(frozen=True, slots=True)
class Change:
    check: str
    status: Status
    remark: str
    at: datetime
    told: Callable[[datetime | None], None]
    """Given from when the check has had this status, which another process may have noticed sooner; ``None``: ever."""
    id: UUID = field(default_factory=uuid7)


class History:
    def __init__(self, database: Callable[[], Database], keep: timedelta) -> None:
        self.process = f"{socket.gethostname()}:{os.getpid()}"
        self._database = database
        self._keep = keep
        self._waiting: deque[Change] = deque(maxlen=MOST_KEPT_BACK)
        self._warned = False

    def note(self, result: HealthResult, told: Callable[[datetime | None], None]) -> None:
        self._waiting.append(Change(result.name, result.status, result.remark, result.at, told))

    async def write(self) -> None:
        """Whatever waits. What Postgres does not take now is written at the next call, with its own time."""
        try:
            while self._waiting:
                change = self._waiting[0]
                since = await self._write(change)
                # The deque may have lost it to newer ones meanwhile.
                with suppress(ValueError):
                    self._waiting.remove(change)
                change.told(since)
            self._warned = False
        except Exception as error:  # noqa: BLE001 - it waits, and health goes on
            if not self._warned:
                log.warning("changes of health wait to be written", changes=len(self._waiting), error=repr(error))
            self._warned = True

    async def _write(self, change: Change) -> datetime | None:
        async with self._database().driver_connection() as connection, connection.transaction():
            # Not part of the statement: its snapshot has to be younger than the lock.
            await connection.execute(LOCK, change.check)
            row = await connection.fetchrow(
                KEEP, change.id, change.check, change.status, change.remark, change.at, self.process
            )
            assert row is not None, "is_new has a row"
            if row["kept"]:
                await connection.execute(FORGET, self._keep)
            since: datetime | None = row["since"]
            return since
