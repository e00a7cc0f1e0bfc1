"""Events between modules: published in a transaction, delivered to each subscriber as a task of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypeVar

from framework.tasks import Task, TaskRun, task


class Event(BaseModel):
    """Something that happened, declared in its module's ``contract.py``; ``event_name`` is ``<module>.<what>``."""

    model_config = ConfigDict(frozen=True)

    event_name: ClassVar[str]


# With a default, so that `Subscription` alone means one to any event (PEP 696).
E = TypeVar("E", bound=Event, default=Any)


@dataclass(frozen=True)
class Subscription(Generic[E]):
    """For a manifest: ``handler`` (``async def forget(run: TaskRun, event: AccountDeleted) -> None``) acts on ``event``.

    A task as any other: one transaction, attempts, history. It is named ``<module>.on.<event>``.
    """

    event: type[E]
    handler: Callable[[TaskRun, E], Awaitable[None]]

    @cached_property
    def task(self) -> Task:
        async def deliver(run: TaskRun, *, event: Any) -> None:
            await self.handler(run, event)

        deliver.__annotations__["event"] = self.event
        module = self.handler.__module__.partition(".")[0]
        return task(f"{module}.on.{self.event.event_name}")(deliver)


async def publish(session: AsyncSession, event: Event) -> None:
    """Tell the enabled modules that subscribe, once ``session``'s transaction has committed and never otherwise."""
    for module in session.info["application"].modules:
        for subscription in module.subscriptions:
            if subscription.event is type(event):
                await subscription.task.enqueue(session, event=event)
