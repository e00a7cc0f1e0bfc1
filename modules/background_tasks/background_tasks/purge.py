"""Forgets tasks that have ended and idempotency keys that have expired, a small transaction after another: no statement
holds many rows, or any for long."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from framework.idempotency import purge as keys
from framework.settings import settings_of
from framework.tasks import Schedule, TaskRun, step_task
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from background_tasks.settings import BackgroundTasksSettings

log = structlog.get_logger()
BATCH = 1000
type Place = tuple[datetime, UUID]
"""In the order in which tasks ended."""
START: Place = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))

# A retry that comes in between makes the row queued again: then it stays, for what is locked is judged anew. A slot of
# a schedule stays a day at least, so that no beat, however late it is, can write it again.
EXPIRED = """
    finished_at < now() - coalesce(
        CASE WHEN CAST(:own AS boolean) THEN retention END,
        CASE state WHEN 'failed' THEN CAST(:dead_letters AS interval) ELSE CAST(:others AS interval) END
    ) AND (schedule IS NULL OR finished_at < now() - interval '1 day')
"""
PURGE = text(f"""
WITH seen AS MATERIALIZED (
    SELECT id, finished_at, {EXPIRED} AS expired FROM seamark.task
    -- The index is by the time alone, and of rows that have one: neither follows from comparing both.
    WHERE finished_at >= :after AND finished_at < now() - CAST(:least AS interval)
        AND (finished_at, id) > (CAST(:after AS timestamptz), CAST(:after_id AS uuid))
    ORDER BY finished_at, id LIMIT {BATCH}
), gone AS (
    DELETE FROM seamark.task AS t USING seen WHERE t.id = seen.id AND seen.expired AND t.finished_at = seen.finished_at
    RETURNING t.id
), signals AS (
    DELETE FROM seamark.task_signal USING gone WHERE task_id = gone.id
), failures AS (
    DELETE FROM seamark.task_failure USING gone WHERE task_id = gone.id
), logs AS (
    DELETE FROM seamark.task_log USING gone WHERE task_id = gone.id
)
SELECT (SELECT count(*) FROM gone) AS gone, seen.finished_at, seen.id FROM seen
ORDER BY seen.finished_at DESC, seen.id DESC LIMIT 1
""")  # noqa: S608 - of constants
COUNT = text(f"""
SELECT count(*) FROM seamark.task WHERE finished_at < now() - CAST(:least AS interval) AND {EXPIRED}
""")  # noqa: S608 - of a constant


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long tasks are kept once they have ended."""

    others: timedelta
    dead_letters: timedelta | None
    """``None``: for ever."""
    own: bool
    """What a task's declaration says goes before."""

    @classmethod
    def from_settings(cls) -> "Keeping":
        own = settings_of(BackgroundTasksSettings)
        return cls(timedelta(days=own.retention_days), timedelta(days=own.dead_letter_retention_days), own=True)

    @property
    def parameters(self) -> dict[str, object]:
        # What is younger than any of these may stay unread; a declaration may say anything.
        least = timedelta(0) if self.own else min(self.others, self.dead_letters or self.others)
        return {"others": self.others, "dead_letters": self.dead_letters, "own": self.own, "least": least}


async def purge(session: AsyncSession, keeping: Keeping, after: Place) -> tuple[int, Place | None]:
    """Judge the next thousand that ended; returns how many are gone, and where to go on, ``None`` at the end."""
    found = await session.execute(PURGE, {**keeping.parameters, "after": after[0], "after_id": after[1]})
    last = found.one_or_none()
    return (0, None) if last is None else (last.gone, (last.finished_at, last.id))


async def count(session: AsyncSession, keeping: Keeping) -> int:
    counted: int = (await session.execute(COUNT, keeping.parameters)).scalar_one()
    return counted


# In a queue of its own: every worker has this module, and in a common one each would get what only others know.
@step_task("background_tasks.purge_history", cursor=tuple[datetime, UUID, int], queue="background_tasks")
async def purge_history(run: TaskRun, cursor: tuple[datetime, UUID, int] | None) -> tuple[datetime, UUID, int] | None:
    """What the settings, and the tasks' own declarations, no longer keep."""
    ended_at, task_id, before = cursor or (*START, 0)
    gone, place = await purge(run.session, Keeping.from_settings(), (ended_at, task_id))
    await run.progress(before + gone)
    if place is None:
        log.info("history purged", tasks=before)
        return None
    return (*place, before + gone)


@step_task("background_tasks.purge_keys", cursor=int, queue="background_tasks")
async def purge_keys(run: TaskRun, cursor: int | None) -> int | None:
    """Requests with these keys may be made anew (``SM_IDEMPOTENCY_HOURS``)."""
    gone = await keys.purge_expired(run.session)
    total = (cursor or 0) + gone
    await run.progress(total)
    if gone < keys.BATCH:
        log.info("idempotency keys purged", keys=total)
        return None
    return total


schedules = (Schedule(purge_history, every=timedelta(hours=1)), Schedule(purge_keys, every=timedelta(hours=1)))
