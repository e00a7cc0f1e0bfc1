"""What a running task is given: the transaction of its effect, and how to say how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from framework.application import Application
    from framework.tasks.signals import Signal
    from framework.tasks.transaction import Transaction


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What a running task is given first."""

    application: "Application"
    transaction: "Transaction"
    task_id: UUID
    step: int
    """Steps that have been committed; 0 for a task that is one step."""
    attempt: int
    """1 at the first start. A task with steps counts anew after each that was committed."""
    due_at: datetime | None
    """The slot of its schedule, in UTC, whenever it runs; ``None`` where no schedule asked for it."""
    signal: "Signal"

    @property
    def session(self) -> AsyncSession:
        """The transaction of its effect, which the runner commits together with the mark that it is done.

        Not to be committed or rolled back by the task; ``begin_nested()`` makes savepoints. What leaves Postgres (mail,
        HTTP) cannot be part of it and may happen twice: hand on ``idempotency_key``.
        """
        return self.transaction.session

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this effect, and no other's: a task's, or one step's of it."""
        return f"{self.task_id}-{self.step}" if self.step else str(self.task_id)

    async def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show how far it is, at once and whatever becomes of the transaction. Cheap enough to call for every row."""
        await self.signal.progress(done, total, note)
