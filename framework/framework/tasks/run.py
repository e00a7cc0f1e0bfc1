"""What a running task is given: the transaction of its effect, and how to say how far it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from framework.application import Application
    from framework.tasks.signals import Signal


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What a running task is given first.

    ``session`` is the transaction of its effect, which the runner commits together with the mark that it is done. What
    leaves Postgres (mail, HTTP) cannot be part of it and may happen twice: hand on ``task_id`` as the idempotency key.
    """

    application: "Application"
    session: AsyncSession
    task_id: UUID
    attempt: int
    """1 at the first start. A task with steps counts anew after each that was committed."""
    signal: "Signal"

    async def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show how far it is, at once and whatever becomes of the transaction. Cheap enough to call for every row."""
        await self.signal.progress(done, total, note)
