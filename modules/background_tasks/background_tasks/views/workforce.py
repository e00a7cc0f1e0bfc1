"""Who does the work and what has it begin by itself: workers and schedules, as they report themselves."""

from framework.application import Application
from framework.tasks.timing import in_words

from background_tasks.views.overview_schemas import LastRun, RunningTask, ScheduleItem, Schedules, WorkerItem, Workers

WORKERS = """
SELECT name, started_at, seen_at, queues, tasks, concurrency, release, CASE
    WHEN seen_at < now() - interval '30 seconds' THEN 'silent' WHEN stopping THEN 'stopping' ELSE 'running' END AS status
FROM seamark.task_worker ORDER BY name
"""
RUNNING = """
SELECT regexp_replace(s.worker, ':[0-9]+$', '') AS worker, t.id, t.name, s.attempt, s.started_at, s.done, s.total, s.note
FROM seamark.task AS t JOIN seamark.task_signal AS s ON s.task_id = t.id
WHERE t.state = 'queued' AND t.available_at <= now() AND s.heartbeat_at > now() - interval '10 seconds'
ORDER BY s.started_at
"""
# A beat looks every 15 seconds at least.
SCHEDULES = """
SELECT entry, s.task, timing, missed, last_due_at, next_due_at, seen_at,
    seen_at < max(seen_at) OVER () - interval '5 minutes' AS gone,
    run.id, run.state AS status, run.due_at, run.finished_at
FROM seamark.task_schedule AS s LEFT JOIN LATERAL (
    SELECT id, state, due_at, finished_at FROM seamark.task AS t WHERE t.schedule = s.entry ORDER BY due_at DESC LIMIT 1
) AS run ON true
ORDER BY entry
"""


async def workers(application: Application) -> Workers:
    async with application.database.driver_connection() as connection:
        records = await connection.fetch(WORKERS)
        running = [dict(record) for record in await connection.fetch(RUNNING)]
    by_worker: dict[str, list[RunningTask]] = {}
    for row in running:
        by_worker.setdefault(row.pop("worker"), []).append(RunningTask(**row))
    return Workers(items=[WorkerItem(**record, running=by_worker.get(record["name"], [])) for record in records])


async def schedules(application: Application) -> Schedules:
    async with application.database.driver_connection() as connection:
        rows = [dict(record) for record in await connection.fetch(SCHEDULES)]
    seen = max((row["seen_at"] for row in rows), default=None)
    return Schedules(items=[_schedule(row) for row in rows], beat_seen_at=seen)


def _schedule(row: dict[str, object]) -> ScheduleItem:
    run = {name: row.pop(name) for name in LastRun.model_fields}
    last_run = LastRun.model_validate(run) if run["id"] else None
    return ScheduleItem.model_validate(row | {"timing": in_words(str(row["timing"])), "last_run": last_run})
