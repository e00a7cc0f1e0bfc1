"""Whether what is enqueued gets done. Degrades only: requests need neither a relay nor a worker."""

from framework.application import Application
from framework.health import HealthCheck, Unhealthy

LONGEST_LAG = 60
LONGEST_SILENCE = 30

# The longest due row that nobody runs, along `task_due_ix`.
LAG = """
WITH RECURSIVE queues AS (
    (SELECT queue FROM seamark.task WHERE state = 'queued' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT following.queue FROM queues CROSS JOIN LATERAL (
        SELECT queue FROM seamark.task WHERE state = 'queued' AND queue > queues.queue ORDER BY queue LIMIT 1
    ) AS following
)
SELECT coalesce(max(extract(epoch FROM now() - oldest.publish_at)), 0)::float FROM queues CROSS JOIN LATERAL (
    SELECT publish_at FROM seamark.task AS t
    WHERE state = 'queued' AND queue = queues.queue AND publish_at <= now() AND NOT EXISTS (
        SELECT FROM seamark.task_signal AS s WHERE s.task_id = t.id AND s.heartbeat_at > now() - interval '10 seconds'
    )
    ORDER BY publish_at LIMIT 1
) AS oldest
"""
SILENCE = "SELECT extract(epoch FROM now() - max(seen_at))::float FROM seamark.task_worker"


async def outbox(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        lag: float = await connection.fetchval(LAG)
    if lag > LONGEST_LAG:
        raise Unhealthy(f"a task has been due for {lag:.0f} s, and no relay has published it")
    return f"the longest due task waits {lag:.0f} s" if lag else "nothing waits"


async def workers(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        silence: float | None = await connection.fetchval(SILENCE)
    if silence is None or silence > LONGEST_SILENCE:
        raise Unhealthy(f"no worker was seen for {silence:.0f} s" if silence else "no worker was ever seen")
    return f"a worker was seen {silence:.0f} s ago"


checks = (HealthCheck("background_tasks.outbox", outbox), HealthCheck("background_tasks.workers", workers))
