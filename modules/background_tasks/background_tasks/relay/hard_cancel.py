"""Ends what was cancelled and does not listen: a task that blocks its loop or swallows the cancellation.

Its process is killed by the parent, which rolls its transaction back. Published again, it ends as cancelled before it
begins.
"""

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

from background_tasks.relay.outbox import PUBLISH_NOW
from background_tasks.relay.parent import Parent
from background_tasks.relay.protocol import KillChild

if TYPE_CHECKING:
    from asyncpg import Connection, Record

EVERY = 1.0
HOLDING_ON = """
SELECT task_id FROM seamark.task_signal
WHERE task_id = ANY($1) AND cancel_requested AND greatest(cancel_requested_at, started_at) < now() - $2::interval
"""
# A row is free as soon as Postgres has seen that the process is gone.
STILL_HELD = f"""
WITH freed AS ({PUBLISH_NOW} RETURNING id)
SELECT id FROM seamark.task WHERE id = ANY($1) AND state = 'queued' AND id NOT IN (SELECT id FROM freed)
"""  # noqa: S608 - of constants


class HardCancel:
    def __init__(self, parent: Parent, grace: timedelta) -> None:
        self._parent = parent
        self._grace = grace
        self._looked_at = 0.0
        self._killed: set[UUID] = set()

    async def look(self, connection: "Connection[Record]") -> None:
        """Once a second, and only at what this worker's children run."""
        if monotonic() - self._looked_at < EVERY:
            return
        self._looked_at = monotonic()
        if self._killed:
            held = await connection.fetch(STILL_HELD, self._killed)
            self._killed = {record["id"] for record in held}
        running = {UUID(task_id): pid for task_id, pid in self._parent.sign.running.items()}
        if not running:
            return
        for record in await connection.fetch(HOLDING_ON, list(running), self._grace):
            task_id = record["task_id"]
            self._parent.tell(KillChild(running[task_id], str(task_id)))
            self._killed.add(task_id)
