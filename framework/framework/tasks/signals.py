"""What a running task says and hears beside its transaction: attempt, heartbeat, progress, and the wish to cancel it."""

from time import monotonic
from uuid import UUID

import orjson

from framework.database import Database
from framework.tasks.failures import LostWorkerError, describe
from framework.tasks.log_lines import LogLines

PROGRESS_PAUSE = 0.2

START = """
INSERT INTO seamark.task_signal AS s (task_id, attempt, worker, started_at, heartbeat_at)
VALUES ($1, 1, $2, now(), now())
ON CONFLICT (task_id) DO UPDATE SET attempt = s.attempt + 1, worker = $2, started_at = now(), heartbeat_at = now()
RETURNING attempt
"""
# What does not wait for the disk: a signal that a crash of Postgres makes it forget is no loss.
START_SOON = START.replace(
    "VALUES ($1, 1, $2, now(), now())",
    """
SELECT $1, 1, $2, now(), now() FROM set_config('synchronous_commit', 'off', true)""",
)
BEAT = """
UPDATE seamark.task_signal SET heartbeat_at = now(), done = coalesce($2, done), total = coalesce($3, total), note = coalesce($4, note)
FROM set_config('synchronous_commit', 'off', true) WHERE task_id = $1 RETURNING cancel_requested
"""
LOST = """
INSERT INTO seamark.task_failure (task_id, attempt, worker, started_at, ended_at, error)
SELECT task_id, attempt, worker, started_at, heartbeat_at, $2::jsonb FROM seamark.task_signal
WHERE task_id = $1 AND heartbeat_at IS NOT NULL ON CONFLICT DO NOTHING
"""
WRITE_LINES = """
INSERT INTO seamark.task_log (task_id, attempt, at, level, event, fields)
SELECT $1, $2, line.* FROM set_config('synchronous_commit', 'off', true),
       jsonb_to_recordset($3::jsonb) AS line (at timestamptz, level text, event text, fields jsonb)
"""


class Signal:
    """One run's row in ``task_signal``. Everybody sees at once what is written here, for it commits by itself."""

    def __init__(self, database: Database, task_id: UUID) -> None:
        self.lines = LogLines()
        self._database = database
        self._task_id = task_id
        self._attempt = 0
        self._progress: tuple[int | None, int | None, str | None] = (None, None, None)
        self._written_at = 0.0
        self._unwritten = False

    async def start(self, worker: str, *, durable: bool) -> int:
        """Count an attempt, and return how many there were with it. If ``durable``, no crash of Postgres forgets it."""
        async with self._database.driver_connection() as connection:
            self._attempt = await connection.fetchval(START if durable else START_SOON, self._task_id, worker)
            return self._attempt

    async def lost(self) -> None:
        """Keep that the attempt before went away with its process, when it was last seen."""
        error = orjson.dumps(describe(LostWorkerError("Its process went away"))).decode()
        async with self._database.driver_connection() as connection:
            await connection.execute(LOST, self._task_id, error)

    async def progress(self, done: int, total: int | None, note: str) -> None:
        self._progress, self._unwritten = (done, total, note or None), True
        if monotonic() - self._written_at >= PROGRESS_PAUSE:
            await self.beat()

    async def beat(self) -> bool:
        """Say that it is alive and how far it is; returns whether somebody asked to cancel it."""
        self._written_at, self._unwritten = monotonic(), False
        async with self._database.driver_connection() as connection:
            return bool(await connection.fetchval(BEAT, self._task_id, *self._progress))

    async def finish(self) -> None:
        """Write the progress that came too soon after what was written before."""
        if self._unwritten:
            await self.beat()

    async def write_lines(self) -> None:
        """What it has logged since."""
        if lines := self.lines.take():
            async with self._database.driver_connection() as connection:
                await connection.execute(WRITE_LINES, self._task_id, self._attempt, lines)
