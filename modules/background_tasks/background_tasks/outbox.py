"""What a relay asks of the outbox. Each statement is a transaction of its own: what it claims, it has claimed."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# Jumps from queue to queue along `task_due_ix`: as cheap with a million rows as with one.
DUE_QUEUES = """
WITH RECURSIVE head AS (
    (SELECT queue, publish_at FROM seamark.task WHERE state = 'queued' ORDER BY queue, publish_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM head CROSS JOIN LATERAL (
        SELECT queue, publish_at FROM seamark.task WHERE state = 'queued' AND queue > head.queue
        ORDER BY queue, publish_at LIMIT 1
    ) AS following
)
SELECT queue FROM head WHERE publish_at <= now()
"""
# A locked row is being published by another relay, or runs at this moment.
# Up to half a lease later, at random: in step with the workers' polls, one that does not know a name would always be
# served before one that does.
CLAIM = """
UPDATE seamark.task SET publish_at = now() + $3::interval * (1 + random() / 2), publications = publications + 1
WHERE id IN (
    SELECT id FROM seamark.task WHERE state = 'queued' AND queue = $1 AND publish_at <= now()
    ORDER BY publish_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id, name
"""
GIVE_BACK = """
UPDATE seamark.task SET publish_at = now()
WHERE id IN (SELECT id FROM seamark.task WHERE id = ANY($1) AND state = 'queued' FOR UPDATE SKIP LOCKED)
"""
WORKER_SEEN = "INSERT INTO seamark.task_worker (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET seen_at = now()"
FORGET_WORKERS = "DELETE FROM seamark.task_worker WHERE seen_at < now() - interval '1 day'"


class Outbox:
    def __init__(self, connection: "Connection[Record]", lease: timedelta) -> None:
        self._connection = connection
        self._lease = lease

    async def due_queues(self) -> list[str]:
        return [record["queue"] for record in await self._connection.fetch(DUE_QUEUES)]

    async def claim(self, queue: str, limit: int) -> list[tuple[UUID, str]]:
        """Ids and names of due rows, the longest due first. Nobody else publishes them until the lease ends."""
        records = await self._connection.fetch(CLAIM, queue, limit, self._lease)
        return [(record["id"], record["name"]) for record in records]

    async def give_back(self, tasks: list[tuple[UUID, str]]) -> None:
        """They are due again at once."""
        await self._connection.execute(GIVE_BACK, [task_id for task_id, _ in tasks])

    async def worker_seen(self, name: str) -> None:
        await self._connection.execute(WORKER_SEEN, name)
        await self._connection.execute(FORGET_WORKERS)
