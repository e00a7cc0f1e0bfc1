"""Whether what is enqueued gets done. Degrades only: requests need neither a relay nor a worker."""

from time import monotonic

from framework.application import Application
from framework.health import HealthCheck, Unhealthy
from framework.settings import DEVELOPMENT

from background_tasks.lag import lag

LONGEST_LAG = 60
LONGEST_SILENCE = 30
LONGEST_START = 60
"""Seconds that `sm dev` gives a worker, which it starts after the web process, at first and at each edit."""
MOST_NAMES = 5

WORKERS = """
SELECT extract(epoch FROM now() - max(seen_at))::float AS silence,
    count(*) FILTER (WHERE seen_at > now() - interval '30 seconds' AND NOT stopping) AS live
FROM seamark.task_worker
"""
# Those that nobody may have looked at yet: what stays failed for longer than a day has been seen, or is of no interest.
DEAD_LETTERS = """
SELECT name, count(*) FILTER (WHERE finished_at > now() - interval '1 day') AS new, count(*) AS all
FROM seamark.task WHERE state = 'failed' GROUP BY name ORDER BY new DESC, name
"""
# Without any worker there is no telling; that is another check's finding. A new release's tasks may wait a minute for
# its workers.
PARKED = """
WITH live AS MATERIALIZED (
    SELECT queues, tasks FROM seamark.task_worker WHERE seen_at > now() - interval '30 seconds' AND NOT stopping
)
SELECT name, sum(rows)::bigint AS rows FROM (
    SELECT name, queue, count(*) AS rows FROM seamark.task AS t
    WHERE state = 'queued' AND available_at < now() - interval '1 minute' GROUP BY name, queue
) AS due
WHERE EXISTS (SELECT FROM live)
    AND NOT EXISTS (SELECT FROM live WHERE due.queue = ANY(queues) AND due.name = ANY(tasks))
GROUP BY name ORDER BY rows DESC, name
"""


async def outbox(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        lags = await lag(connection)
    queue, longest = max(lags.items(), key=lambda item: item[1], default=("", 0.0))
    if longest > LONGEST_LAG:
        raise Unhealthy(f"a task has been due for {longest:.0f} s in the queue {queue}, and nothing has begun it")
    return f"the longest due task waits {longest:.0f} s" if queue else "nothing waits"


async def workers(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        found = await connection.fetchrow(WORKERS)
    assert found is not None, "an aggregate has a row"
    if live := found["live"]:
        return "one worker" if live == 1 else f"{live} workers"
    if application.settings.environment == DEVELOPMENT and monotonic() - application.started_at < LONGEST_START:
        return "none yet"
    silence: float | None = found["silence"]
    # One that is stopped removes its row, and so does a day.
    if silence is None:
        raise Unhealthy("there is no worker")
    if silence > LONGEST_SILENCE:
        raise Unhealthy(f"no worker was seen for {silence:.0f} s")
    raise Unhealthy("every worker is about to stop")


async def dead_letters(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        found = await connection.fetch(DEAD_LETTERS)
    new = {record["name"]: record["new"] for record in found if record["new"]}
    total = sum(record["all"] for record in found)
    if new:
        raise Unhealthy(f"failed for good within a day: {_listed(new)}; see `sm tasks list --status failed`")
    return f"none within a day, {total} older" if total else "none"


async def parked(application: Application) -> str:
    async with application.database.driver_connection() as connection:
        found = await connection.fetch(PARKED)
    if found:
        waiting = _listed({record["name"]: record["rows"] for record in found})
        raise Unhealthy(f"due, and no worker that runs takes them: {waiting}")
    return "none"


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{count} {name}" for name, count in list(counts.items())[:MOST_NAMES]]
    others = len(counts) - len(shown)
    return ", ".join([*shown, *([f"and {others} other kinds"] if others else [])])


checks = (
    HealthCheck("background_tasks.outbox", outbox, "What is done in the background begins late."),
    HealthCheck(
        "background_tasks.workers", workers, "Nothing is done in the background; it waits, and none of it is lost."
    ),
    HealthCheck(
        "background_tasks.dead_letters", dead_letters, "These tasks have not been done, until somebody retries them."
    ),
    HealthCheck("background_tasks.parked", parked, "Tasks of these kinds wait for a worker that knows them."),
)
