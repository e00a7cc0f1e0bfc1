"""What relays remove: samples that no plot shows, and workers that went away long ago."""

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncpg import Connection, Record

EVERY = 600.0
FORGET_SAMPLES = "DELETE FROM seamark.task_sample WHERE at < now() - interval '1 day'"
FORGET_WORKERS = "DELETE FROM seamark.task_worker WHERE seen_at < now() - interval '1 day'"


class Sweep:
    def __init__(self) -> None:
        self._swept_at = -EVERY

    async def look(self, connection: "Connection[Record]") -> None:
        if monotonic() - self._swept_at < EVERY:
            return
        self._swept_at = monotonic()
        await connection.execute(FORGET_SAMPLES)
        await connection.execute(FORGET_WORKERS)
