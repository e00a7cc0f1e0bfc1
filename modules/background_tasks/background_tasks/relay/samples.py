"""What the queues look like every 15 s, for the plots of the last hours. Whichever relay comes first writes it."""

from random import random
from time import time
from typing import TYPE_CHECKING

from background_tasks.lag import NOT_BEGUN
from background_tasks.relay.outbox import HEAD
from background_tasks.relay.publisher import BrokerUnreachableError, Publisher

if TYPE_CHECKING:
    from asyncpg import Connection, Record

SLOT = 15.0
# Queues that have rows or a live worker, and no sample yet.
MISSING = f"""
{HEAD}, slot AS (SELECT date_bin('15 seconds', now(), 'epoch') AS at)
SELECT slot.at, known.queue FROM slot CROSS JOIN (
    SELECT queue FROM head
    UNION SELECT unnest(queues) FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds'
) AS known
WHERE NOT EXISTS (SELECT FROM seamark.task_sample AS s WHERE s.queue = known.queue AND s.at = slot.at)
"""  # noqa: S608 - of constants
# Further due rows than those that were looked at are only counted, along the index, and up to a million.
TAKE = f"""
{NOT_BEGUN}, further AS (
    SELECT queue, sum(counted.rows) AS rows FROM head CROSS JOIN LATERAL (
        SELECT count(*) AS rows FROM (
            SELECT FROM seamark.task
            WHERE state = 'queued' AND queue = head.queue AND priority = head.priority AND publish_at <= now()
            ORDER BY publish_at LIMIT 1000000 OFFSET 1000
        ) AS row
    ) AS counted
    GROUP BY queue
), ended AS (
    SELECT queue, count(*) AS rows, count(*) FILTER (WHERE state = 'failed') AS failed FROM seamark.task
    WHERE finished_at >= $1::timestamptz - interval '15 seconds' AND finished_at < $1
    GROUP BY queue
)
INSERT INTO seamark.task_sample (queue, at, waiting, lag, finished, failed, in_broker)
SELECT
    queue, $1, coalesce(not_begun.rows, 0) + coalesce(further.rows, 0), coalesce(not_begun.lag, 0),
    coalesce(ended.rows, 0), coalesce(ended.failed, 0), asked.in_broker
FROM unnest($2::text[], $3::int[]) AS asked (queue, in_broker)
LEFT JOIN not_begun USING (queue) LEFT JOIN further USING (queue) LEFT JOIN ended USING (queue)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - of constants


class Samples:
    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        # Each relay at its own moment: so most find that another has done it. A second late at least, when all that
        # ended before has committed.
        self._late = 1 + 5 * random()  # noqa: S311 - spreads load, guards nothing
        self._slot = 0.0

    async def look(self, connection: "Connection[Record]") -> None:
        slot = (time() - self._late) // SLOT
        if slot == self._slot:
            return
        self._slot = slot
        missing = await connection.fetch(MISSING)
        if not missing:
            return
        queues = [record["queue"] for record in missing]
        await connection.execute(TAKE, missing[0]["at"], queues, self._in_broker(queues))

    def _in_broker(self, queues: list[str]) -> list[int | None]:
        try:
            depths = self._publisher.depths(queues)
        except BrokerUnreachableError:
            return [None] * len(queues)
        return [sum(depths[queue]) for queue in queues]
