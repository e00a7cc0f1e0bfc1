"""What a relay asks of the outbox. Each statement is a transaction of its own: what it claims, it has claimed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# Jumps from one queue and priority to the next along `task_next_ix`: as cheap with a million rows as with one.
HEAD = """
WITH RECURSIVE head AS (
    (
        SELECT queue, priority, publish_at FROM seamark.task WHERE state = 'queued'
        ORDER BY queue, priority, publish_at LIMIT 1
    )
    UNION ALL
    SELECT following.* FROM head CROSS JOIN LATERAL (
        SELECT queue, priority, publish_at FROM seamark.task
        WHERE state = 'queued' AND (queue, priority) > (head.queue, head.priority)
        ORDER BY queue, priority, publish_at LIMIT 1
    ) AS following
)
"""
NEXT = f"""
{HEAD}
SELECT queue, priority, extract(epoch FROM publish_at - now())::float FROM head
WHERE publish_at <= now() + $1::interval ORDER BY priority, queue
"""  # noqa: S608 - of constants
# A locked row is being published by another relay, or runs at this moment.
# Up to half as long again, at random: in step with the workers' polls, one that does not know a name would always be
# served before one that does.
CLAIM = """
UPDATE seamark.task SET publish_at = now() + $4::interval * (1 + random() / 2), publications = publications + 1
WHERE id IN (
    SELECT id FROM seamark.task WHERE state = 'queued' AND queue = $1 AND priority = $2 AND publish_at <= now()
    ORDER BY publish_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING id, name
"""
PUBLISH_NOW = """
UPDATE seamark.task SET publish_at = now()
WHERE id IN (SELECT id FROM seamark.task WHERE id = ANY($1) AND state = 'queued' FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The row of a queue and priority that is due next."""

    queue: str
    priority: int
    due_in: float
    """Seconds; not above 0: it is due."""


class Outbox:
    def __init__(self, connection: "Connection[Record]", republish_after: timedelta) -> None:
        self._connection = connection
        self._republish_after = republish_after

    async def heads(self, horizon: timedelta) -> list[Head]:
        """What is due, and what becomes due within ``horizon``: the most urgent first."""
        return [Head(*record) for record in await self._connection.fetch(NEXT, horizon)]

    async def claim(self, queue: str, priority: int, limit: int) -> list[tuple[UUID, str]]:
        """Ids and names of due rows, the longest due first. Until they are to be published again, nobody else gets them."""
        records = await self._connection.fetch(CLAIM, queue, priority, limit, self._republish_after)
        return [(record["id"], record["name"]) for record in records]

    async def give_back(self, tasks: list[tuple[UUID, str]]) -> None:
        """They are due again at once."""
        await self._connection.execute(PUBLISH_NOW, [task_id for task_id, _ in tasks])
