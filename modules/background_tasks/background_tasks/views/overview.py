"""The head of the pages: how many tasks are in which state, and what needs somebody."""

from framework.application import Application
from framework.tasks.registry import tasks_of

from background_tasks.views.history import known_names
from background_tasks.views.overview_schemas import Counts, NamedCount, Summary

# One pass over what is queued, and what a worker would take is asked of each kind instead of each row.
# While no worker lives at all nothing counts as parked, as in `history`.
QUEUED = """
WITH live AS MATERIALIZED (
    SELECT queues, tasks FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds' AND NOT stopping
), beating AS MATERIALIZED (
    SELECT s.task_id FROM seamark.task AS t JOIN seamark.task_signal AS s ON s.task_id = t.id
    WHERE t.state = 'queued' AND t.available_at <= now() AND s.heartbeat_at > now() - interval '10 seconds'
), open AS (
    SELECT name, queue, error IS NOT NULL AS failed_before, available_at <= now() AS due,
        id IN (SELECT task_id FROM beating) AS running,
        count(*) AS count, max(created_at) AS latest_at
    FROM seamark.task WHERE state = 'queued' GROUP BY 1, 2, 3, 4, 5
)
SELECT name, CASE
    WHEN running THEN 'running'
    WHEN due AND EXISTS (SELECT FROM live)
        AND NOT EXISTS (SELECT FROM live WHERE open.queue = ANY(queues) AND open.name = ANY(tasks)) THEN 'parked'
    WHEN failed_before THEN 'retrying'
    WHEN NOT due THEN 'scheduled'
    ELSE 'queued' END AS status, sum(count)::bigint AS count, max(latest_at) AS latest_at
FROM open GROUP BY 1, 2
"""
ENDED = """
SELECT name, state AS status, count(*), max(finished_at) AS latest_at FROM seamark.task
WHERE state IN ('failed', 'cancelled') GROUP BY name, state
"""
LAST_HOUR = """
SELECT coalesce(sum(finished), 0) AS ended, coalesce(sum(failed), 0) AS failed
FROM seamark.task_sample WHERE at > now() - interval '1 hour'
"""
QUEUES = """
WITH RECURSIVE known AS (
    (SELECT queue FROM seamark.task WHERE state = 'queued' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM seamark.task WHERE state = 'queued' AND queue > known.queue ORDER BY queue LIMIT 1)
    FROM known WHERE queue IS NOT NULL
)
SELECT queue FROM known WHERE queue IS NOT NULL
UNION SELECT DISTINCT queue FROM seamark.task_sample WHERE at > now() - interval '1 hour'
UNION SELECT unnest(queues) FROM seamark.task_worker
ORDER BY queue
"""
LIVE_WORKERS = """
SELECT count(*) FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds' AND NOT stopping
"""


async def summary(application: Application) -> Summary:
    async with application.database.driver_connection() as connection:
        queued = await connection.fetch(QUEUED)
        ended = await connection.fetch(ENDED)
        last_hour = await connection.fetchrow(LAST_HOUR)
        queues = [record["queue"] for record in await connection.fetch(QUEUES)]
        workers: int = await connection.fetchval(LIVE_WORKERS)
    names = await known_names(application.database)
    external = {task.name for task in tasks_of(application.modules).values() if task.external}
    assert last_hour is not None
    by_status: dict[str, list[NamedCount]] = {}
    for record in (*queued, *ended):
        by_status.setdefault(record["status"], []).append(
            NamedCount(
                name=record["name"],
                count=record["count"],
                latest_at=record["latest_at"],
                external=record["name"] in external,
            )
        )
    for items in by_status.values():
        items.sort(key=lambda item: (-item.count, item.name))
    totals = {status: sum(item.count for item in items) for status, items in by_status.items()}
    return Summary(
        counts=Counts(**totals, ended_last_hour=last_hour["ended"], failed_last_hour=last_hour["failed"]),
        dead_letters=by_status.get("failed", []),
        parked=by_status.get("parked", []),
        workers=workers,
        modules=sorted({name.partition(".")[0] for name in names}),
        queues=queues,
        names=names,
    )
