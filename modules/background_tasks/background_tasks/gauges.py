"""What metrics say of queues, tasks, workers and beats. Each statement costs about the same, however long the backlog is."""

from framework.metrics.postgres import PostgresGauges

from background_tasks.lag import NOT_BEGUN
from background_tasks.relay.outbox import HEAD

# The longest due of each queue; and how many, counted as far as it tells anybody more.
UNPUBLISHED = f"""
{HEAD}, due AS (
    SELECT head.queue, head.priority, extract(epoch FROM now() - head.publish_at)::float AS seconds
    FROM head WHERE head.publish_at <= now()
)
SELECT due.queue, sum(counted.rows), max(due.seconds) FROM due CROSS JOIN LATERAL (
    SELECT count(*) AS rows FROM (
        SELECT FROM seamark.task
        WHERE state = 'queued' AND queue = due.queue AND priority = due.priority AND publish_at <= now()
        LIMIT 10000
    ) AS row
) AS counted
GROUP BY due.queue ORDER BY due.queue
"""  # noqa: S608 - of constants
WAITING = f"{NOT_BEGUN} SELECT queue, rows, lag FROM not_begun ORDER BY queue"  # noqa: S608 - of constants
# Those that still give signs of life; found by the index of these.
RUNNING = """
SELECT t.queue, t.name, count(*) FROM seamark.task_signal AS s JOIN seamark.task AS t ON t.id = s.task_id
WHERE s.heartbeat_at > now() - interval '10 seconds' AND t.state = 'queued' GROUP BY t.queue, t.name ORDER BY 1, 2
"""
DEAD_LETTERS = """
SELECT queue, name, count(*), count(*) FILTER (WHERE finished_at > now() - interval '1 hour')
FROM seamark.task WHERE state = 'failed' GROUP BY queue, name ORDER BY 4 DESC, 1, 2
"""
WORKERS = "SELECT count(*) FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds' AND NOT stopping"
BEATS = "SELECT extract(epoch FROM now() - max(seen_at))::float FROM seamark.task_schedule"

gauges = (
    PostgresGauges(
        statement=UNPUBLISHED,
        labels=("queue",),
        gauges=(
            ("seamark_outbox_due", "Tasks that are due and that no relay has published, up to 10,000 of a priority."),
            (
                "seamark_outbox_lag_seconds",
                "For how long the first of the tasks that no relay has published has been due.",
            ),
        ),
    ),
    PostgresGauges(
        statement=WAITING,
        labels=("queue",),
        gauges=(
            ("seamark_tasks_waiting", "Tasks that are due and that no worker has begun, up to some 10,000."),
            ("seamark_tasks_lag_seconds", "For how long the first of the tasks that no worker has begun has been due."),
        ),
    ),
    PostgresGauges(
        statement=RUNNING,
        labels=("queue", "task"),
        gauges=(("seamark_tasks_running", "Tasks that run, as their workers' signs of life say."),),
    ),
    PostgresGauges(
        statement=DEAD_LETTERS,
        labels=("queue", "task"),
        gauges=(
            ("seamark_dead_letters", "Tasks that have failed for good and are still kept."),
            ("seamark_dead_letters_recent", "Tasks that have failed for good within the last hour."),
        ),
        every=15,
    ),
    PostgresGauges(
        statement=WORKERS,
        gauges=(("seamark_workers", "Workers that were seen within 30 seconds and are not about to stop."),),
    ),
    PostgresGauges(
        statement=BEATS,
        gauges=(("seamark_beat_silence_seconds", "How long ago a beat last looked at its schedules."),),
    ),
)
