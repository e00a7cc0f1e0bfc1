"""How long tasks have been due that nobody has begun, be it that they wait in Postgres or in the broker."""

from typing import TYPE_CHECKING

from background_tasks.relay.outbox import HEAD

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# Of what is due, the first thousand rows of each queue and priority: the oldest are among them. What was published is
# due again later, so there every row is read; there are not many more than the broker holds.
NOT_BEGUN = f"""
{HEAD}, not_begun AS (
    SELECT queue, count(*) AS rows, max(extract(epoch FROM now() - row.available_at))::float AS lag
    FROM head CROSS JOIN LATERAL (
        (
            SELECT id, available_at FROM seamark.task
            WHERE state = 'queued' AND queue = head.queue AND priority = head.priority AND publish_at <= now()
            ORDER BY publish_at LIMIT 1000
        )
        UNION ALL
        (
            SELECT id, available_at FROM seamark.task
            WHERE state = 'queued' AND queue = head.queue AND priority = head.priority
                AND publish_at > now() AND publish_at < 'infinity'
            ORDER BY publish_at LIMIT 10000
        )
    ) AS row
    WHERE available_at <= now() AND NOT EXISTS (
        SELECT FROM seamark.task_signal AS s WHERE s.task_id = row.id AND s.heartbeat_at > now() - interval '10 seconds'
    )
    GROUP BY queue
)
"""  # noqa: S608 - of constants
LAG = f"{NOT_BEGUN} SELECT queue, lag FROM not_begun"  # noqa: S608 - of constants


async def lag(connection: "Connection[Record]") -> dict[str, float]:
    """Seconds that the longest due task of each queue has waited. A queue in which nothing waits is not there."""
    return {record["queue"]: record["lag"] for record in await connection.fetch(LAG)}
