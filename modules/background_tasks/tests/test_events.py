"""An event is one delivery per subscriber, each with a life of its own."""

from collections.abc import Awaitable, Callable
from typing import ClassVar
from uuid import UUID, uuid4

from framework.application import Application
from framework.events import Event, Subscription, publish
from framework.tasks import Outcome, TaskRun
from framework.tasks.runner import Next
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text

Effects = Callable[[], Awaitable[list[str]]]
Make = Callable[..., Application]


class Deleted(Event):
    event_name: ClassVar[str] = "probe.deleted"
    id: UUID


class Renamed(Event):
    event_name: ClassVar[str] = "probe.renamed"
    name: str


async def forget(run: TaskRun, event: Deleted) -> None:
    await run.session.execute(text("INSERT INTO effect VALUES (:key)"), {"key": f"forgot {event.id}"})


async def fail(run: TaskRun, event: Renamed) -> None:
    raise RuntimeError(event.name)


async def test_subscribers_hear_of_what_was_committed(make_application: Make, effects: Effects) -> None:
    subscription = Subscription(Deleted, forget)
    probe = make_application(subscriptions=(subscription, Subscription(Renamed, fail)))
    event = Deleted(id=uuid4())
    async with probe.database.unit_of_work() as session:
        await publish(session, event)
    assert await run_due_tasks(probe) == [(subscription.task.name, Outcome.SUCCEEDED)]
    assert subscription.task.name.endswith(".on.probe.deleted")
    assert await effects() == [f"forgot {event.id}"]


async def test_without_a_subscriber_nothing_is_written(make_application: Make) -> None:
    probe = make_application()
    async with probe.database.unit_of_work() as session:
        await publish(session, Deleted(id=uuid4()))
    assert await run_due_tasks(probe) == []


async def test_of_a_rolled_back_transaction_nobody_hears(make_application: Make) -> None:
    probe = make_application(subscriptions=(Subscription(Deleted, forget),))
    async with probe.database.unit_of_work() as session:
        await publish(session, Deleted(id=uuid4()))
        await session.rollback()
    assert await run_due_tasks(probe) == []


async def test_a_failing_subscriber_is_tried_again_as_any_task(make_application: Make) -> None:
    probe = make_application(subscriptions=(Subscription(Renamed, fail),))
    async with probe.database.unit_of_work() as session:
        await publish(session, Renamed(name="x"))
    assert [result for _, result in await run_due_tasks(probe)] == [Next.REPEATED]
