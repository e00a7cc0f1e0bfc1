"""Tells the relays that there is something to publish: a NOTIFY after the commit, many wishes in one."""

import asyncio
from contextvars import Context

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from framework.database import Database, after_commit

log = structlog.get_logger()
CHANNEL = "seamark_task"
PAUSE = 0.02


class Waker:
    """One in every process that enqueues. In the transaction itself a NOTIFY would make all commits queue up for one lock.

    Failing is harmless: relays also look by themselves, every second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = False
        self._one_at_a_time = asyncio.Lock()
        self._sending: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Returns at once; for ``after_commit``."""
        self._wanted = True
        if self._sending is None or self._sending.done():
            # On behalf of all that enqueue, not of the request that happens to be the first.
            self._sending = asyncio.get_running_loop().create_task(self._send(), context=Context())

    async def flush(self) -> None:
        """Send now what is still wanted: for processes whose event loop does not run all the time."""
        async with self._one_at_a_time:
            if not self._wanted:
                return
            self._wanted = False
            try:
                async with self._database.driver_connection() as connection:
                    await connection.execute(f"NOTIFY {CHANNEL}")
            except Exception as error:  # noqa: BLE001 - whatever it is, the relays look by themselves
                log.debug("relays not notified", error=repr(error))

    async def close(self) -> None:
        await self.flush()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        while self._wanted:
            # Under load the connections belong to the requests, and the relays are awake anyway.
            if self._database.has_idle_connection:
                await self.flush()
            await asyncio.sleep(PAUSE)


def wake_relays(session: AsyncSession) -> None:
    """Once ``session``'s transaction has committed."""
    after_commit(session, session.info["application"].waker.wake)
