"""The row by which a worker is seen, written by its relay: the parent itself has no connection to Postgres."""

from time import monotonic
from typing import TYPE_CHECKING

from background_tasks.relay.parent import Parent

if TYPE_CHECKING:
    from asyncpg import Connection, Record

EVERY = 5.0
WRITE = """
INSERT INTO seamark.task_worker AS w (name, queues, tasks, concurrency, release, stopping)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET
    seen_at = now(), queues = $2, tasks = $3, concurrency = $4, release = $5, stopping = $6,
    started_at = CASE WHEN $7 THEN now() ELSE w.started_at END
"""
DELETE = "DELETE FROM seamark.task_worker WHERE name = $1"


class WorkerRow:
    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._written_at = 0.0
        self._introduced = False
        self._stopping = False

    async def look(self, connection: "Connection[Record]") -> None:
        """Write it at once when there is something new, else every few seconds, and only while the parent is heard."""
        identity, sign, now = self._parent.identity, self._parent.sign, monotonic()
        if identity is None:
            return
        is_news = not self._introduced or sign.stopping != self._stopping
        if not is_news and (now - self._written_at < EVERY or self._parent.heard_at <= self._written_at):
            return
        described = (identity.name, identity.queues, identity.tasks, identity.concurrency, identity.release)
        await connection.execute(WRITE, *described, sign.stopping, not self._introduced)
        self._written_at, self._introduced, self._stopping = now, True, sign.stopping

    async def end(self, connection: "Connection[Record]") -> None:
        """Delete it where the worker was told to stop; one that just went away is to be seen as lost."""
        if self._parent.identity is not None and self._parent.sign.stopping:
            await connection.execute(DELETE, self._parent.identity.name)
