"""What a running task says and hears beside its transaction: attempt, heartbeat, progress, and the wish to cancel it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from framework.database import Database

log = structlog.get_logger()
HEARTBEAT = 1.0
PROGRESS_PAUSE = 0.2

# Neither waits for the disk: a signal that a crash of Postgres makes it forget is no loss.
START = """
INSERT INTO seamark.task_signal AS s (task_id, attempt, worker, started_at, heartbeat_at)
SELECT $1, 1, $2, now(), now() FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (task_id) DO UPDATE SET attempt = s.attempt + 1, worker = $2, started_at = now(), heartbeat_at = now()
RETURNING attempt
"""
BEAT = """
UPDATE seamark.task_signal SET heartbeat_at = now(), done = coalesce($2, done), total = coalesce($3, total), note = coalesce($4, note)
FROM set_config('synchronous_commit', 'off', true) WHERE task_id = $1 RETURNING cancel_requested
"""


class CancelRequestedError(Exception):
    """Somebody asked to cancel the task that runs."""


class Signal:
    """One run's row in ``task_signal``. Everybody sees at once what is written here, for it commits by itself."""

    def __init__(self, database: Database, task_id: UUID) -> None:
        self._database = database
        self._task_id = task_id
        self._progress: tuple[int | None, int | None, str | None] = (None, None, None)
        self._written_at = 0.0
        self._unwritten = False

    async def start(self, worker: str) -> int:
        """Count an attempt, and return how many there were with it."""
        async with self._database.driver_connection() as connection:
            attempt: int = await connection.fetchval(START, self._task_id, worker)
            return attempt

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

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Heartbeats while the block runs. Raises ``CancelRequestedError`` in it, where it awaits, when that is asked for."""
        block = asyncio.current_task()
        assert block is not None
        over = asyncio.Event()
        cancelling = False

        async def pulse() -> None:
            nonlocal cancelling
            while not await _within(HEARTBEAT, over):
                try:
                    cancelling = await self.beat()
                except Exception as error:  # noqa: BLE001 - the task goes on without
                    log.warning("no heartbeat", error=repr(error))
                if cancelling:
                    block.cancel()
                    return

        pulsing = asyncio.create_task(pulse())
        try:
            try:
                yield
            finally:
                over.set()
                # Also where a cancellation arrives that came too late for the block.
                await pulsing
        except asyncio.CancelledError:
            if not cancelling:
                raise
            block.uncancel()
            raise CancelRequestedError from None


async def _within(seconds: float, event: asyncio.Event) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
