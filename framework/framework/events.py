"""Events between modules: published in a transaction, delivered to each subscriber as a task of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Generic
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from typing_extensions import TypeVar
from uuid_utils.compat import uuid7

from framework.correlation import correlation_id, new_correlation_id
from framework.tasks import RetryPolicy, Task, TaskRun, task
from framework.tasks.guard import LOCK_ORDER
from framework.tasks.plain import UNSTORABLE, holds_nul
from framework.tasks.tables import Priority
from framework.tasks.wake import wake_relays
from framework.trace_context import traceparent

# The driver's own form of a statement: publishing is paid for by a request.
SUBSCRIBERS = (
    "SELECT task, queue, priority, retention, ordered FROM seamark.subscription WHERE event = $1 ORDER BY task"
)
DELIVERY = """
INSERT INTO seamark.task (name, queue, priority, retention, id, args, correlation_id, traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
# After LOCK_ORDER, which is held until the commit, so numbers are in the order of commits; and which is a statement of its
# own, so that this one sees what was committed while it waited.
ORDERED_DELIVERY = """
INSERT INTO seamark.task
(name, queue, priority, retention, id, args, correlation_id, traceparent, order_key, order_seq, publish_at)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, nextval('seamark.task_order_seq'),
    CASE WHEN EXISTS (SELECT FROM seamark.task WHERE name = $1 AND order_key = $9 AND state = 'queued')
    THEN 'infinity' ELSE now() END
)
"""


class Event(BaseModel):
    """Something that happened, declared in its module's ``contract.py``; ``event_name`` is ``<module>.<what>``.

    It is stored and shown to those who may see tasks: give it ids and figures, not secrets.
    """

    model_config = ConfigDict(frozen=True)

    event_name: ClassVar[str]

    @property
    def order_key(self) -> str | None:
        """Override it for subscribers that want order: events with the same key reach each of them one after the other."""
        return None


# With a default, so that `Subscription` alone means one to any event (PEP 696).
E = TypeVar("E", bound=Event, default=Any)


@dataclass(frozen=True)
class Subscription(Generic[E]):
    """For a manifest: ``handler`` (``async def forget(run: TaskRun, event: AccountDeleted) -> None``) acts on ``event``.

    A task as any other: one transaction, attempts, history; the options are those of ``@task``. It is named
    ``<module>.on.<event>``. With ``ordered``, events of one ``order_key`` are handled in the order of their commits, the
    next once the one before has ended: it waits while that is tried again, and goes on when it becomes a dead letter.
    """

    event: type[E]
    handler: Callable[[TaskRun, E], Awaitable[None]]
    ordered: bool = False
    queue: str = "default"
    priority: Priority = Priority.NORMAL
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - a frozen value
    external: bool = False
    retention: timedelta | None = None

    @property
    def module(self) -> str:
        return self.handler.__module__.partition(".")[0]

    @cached_property
    def task(self) -> Task:
        async def deliver(run: TaskRun, *, event: Any) -> None:
            await self.handler(run, event)

        deliver.__annotations__["event"] = self.event
        declare = task(
            f"{self.module}.on.{self.event.event_name}",
            queue=self.queue,
            priority=self.priority,
            retry=self.retry,
            external=self.external,
            retention=self.retention,
        )
        return declare(deliver)


async def publish(session: AsyncSession, event: Event) -> None:
    """Tell those who subscribe, once ``session``'s transaction has committed and never otherwise.

    Who that is, is what ``sm migrate`` last wrote down, whichever modules this process has. Where one of them wants order,
    others who publish with the same key wait until the transaction has ended. Raises ``ValueError`` for text with a NUL.
    """
    if await session.run_sync(_deliver, event):
        wake_relays(session)


def _deliver(session: Session, event: Event) -> bool:
    connection = session.connection()
    subscribers = connection.exec_driver_sql(SUBSCRIBERS, (event.event_name,)).all()
    if not subscribers:
        return False
    arguments = f'{{"event":{event.model_dump_json()}}}'
    if holds_nul(arguments):
        names = [name for name in type(event).model_fields if holds_nul(event.model_dump_json(include={name}))]
        raise ValueError(f"event {event.event_name}: {', '.join(names)}: {UNSTORABLE}")
    correlation = correlation_id() or new_correlation_id()
    key = event.order_key
    for *options, ordered in subscribers:
        values: tuple[str | UUID | None, ...] = (*options, uuid7(), arguments, correlation, traceparent())
        if ordered and key is not None:
            connection.exec_driver_sql(LOCK_ORDER, (options[0], key))
            connection.exec_driver_sql(ORDERED_DELIVERY, (*values, key))
        else:
            connection.exec_driver_sql(DELIVERY, values)
    return True
