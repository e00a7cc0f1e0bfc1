"""Queues: what waits in them now, and what relays saw of them over the last hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from framework.application import Application
from framework.tasks.registry import tasks_of

from background_tasks.lag import lag
from background_tasks.views.overview_schemas import QueueItem, Queues, QueueSamples, Samples

SLOT = 15
MOST_STEPS = 240

# Counted along indexes, a queue at a time: how many are queued, which of those are not due, and what runs.
QUEUES = """
WITH RECURSIVE head AS (
    (SELECT queue FROM seamark.task WHERE state = 'queued' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM seamark.task WHERE state = 'queued' AND queue > head.queue ORDER BY queue LIMIT 1)
    FROM head WHERE queue IS NOT NULL
), latest AS (
    SELECT DISTINCT ON (queue) queue, in_broker FROM seamark.task_sample WHERE at > now() - interval '1 minute'
    ORDER BY queue, at DESC
), known AS (
    SELECT queue FROM head WHERE queue IS NOT NULL
    UNION SELECT queue FROM seamark.task_sample WHERE at > now() - interval '1 hour'
    UNION SELECT unnest(queues) FROM seamark.task_worker
    UNION SELECT unnest($1::text[])
)
SELECT known.queue,
    (SELECT count(*) FROM seamark.task AS t WHERE t.state = 'queued' AND t.queue = known.queue) AS queued,
    (
        SELECT count(*) FROM seamark.task AS t WHERE t.state = 'queued' AND t.queue = known.queue
        AND t.publish_at > now() AND t.available_at > now()
    ) AS delayed,
    (
        SELECT count(*) FROM seamark.task AS t JOIN seamark.task_signal AS s ON s.task_id = t.id
        WHERE t.state = 'queued' AND t.queue = known.queue AND t.available_at <= now()
        AND s.heartbeat_at > now() - interval '10 seconds'
    ) AS running,
    (
        SELECT count(*) FROM seamark.task AS t WHERE t.state = 'failed' AND t.queue = known.queue
    ) AS dead_letters,
    (
        SELECT sum(finished) FROM seamark.task_sample AS s
        WHERE s.queue = known.queue AND s.at > now() - interval '1 minute'
    ) AS per_minute,
    (SELECT in_broker FROM latest WHERE latest.queue = known.queue) AS in_broker,
    ARRAY(
        SELECT name FROM seamark.task_worker AS w
        WHERE known.queue = ANY(w.queues) AND w.seen_at > now() - interval '30 seconds' AND NOT w.stopping ORDER BY name
    ) AS workers
FROM known ORDER BY known.queue
"""
SAMPLES = """
SELECT queue, floor(extract(epoch FROM at - $1) / $2::int)::int AS step,
    max(waiting) AS waiting, max(lag) AS lag, sum(finished) AS finished, sum(failed) AS failed, max(in_broker) AS in_broker
FROM seamark.task_sample WHERE at >= $1 AND at < $1 + make_interval(secs => $2::int * $3::int)
GROUP BY queue, step ORDER BY queue, step
"""


async def queues(application: Application) -> Queues:
    """Those in which something waits, that a worker consumes, or that a task known here is declared for."""
    declared = sorted({task.queue for task in tasks_of(application.modules).values()})
    async with application.database.driver_connection() as connection:
        records = await connection.fetch(QUEUES, declared)
        lags = await lag(connection)
    return Queues(items=[_item(dict(record), lags.get(record["queue"], 0)) for record in records])


def _item(row: dict[str, Any], lag_seconds: float) -> QueueItem:
    waiting = row.pop("queued") - row["delayed"] - row["running"]
    return QueueItem(waiting=waiting, lag_seconds=lag_seconds, **row)


async def samples(application: Application, minutes: int, now: datetime | None = None) -> Samples:
    """On a grid of at most 240 steps, so that a plot shows a gap where no relay looked."""
    step = max(SLOT, -(-minutes * 60 // MOST_STEPS // SLOT) * SLOT)
    steps = minutes * 60 // step
    end = (now or datetime.now(UTC)).timestamp() // step * step + step
    start = datetime.fromtimestamp(end, UTC) - timedelta(seconds=step * steps)
    async with application.database.driver_connection() as connection:
        records = await connection.fetch(SAMPLES, start, step, steps)
    series: dict[str, QueueSamples] = {}
    for record in records:
        queue = record["queue"]
        if queue not in series:
            # A list of its own for each value.
            series[queue] = QueueSamples(
                queue=queue,
                **{name: [None] * steps for name in QueueSamples.model_fields if name != "queue"},
            )
        for name in QueueSamples.model_fields:
            if name != "queue":
                getattr(series[queue], name)[record["step"]] = record[name]
    return Samples(start=start, step_seconds=step, steps=steps, series=list(series.values()))
