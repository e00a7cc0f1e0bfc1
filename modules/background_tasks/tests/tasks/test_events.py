"""An event is one delivery per subscriber, each with a life of its own."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from framework.application import Application
from framework.events import Event, Subscription, publish
from framework.tasks import Outcome, RetryPolicy, TaskRun
from framework.tasks.runner import Next
from framework.tasks.tables import Priority
from framework.tasks.testing import run_due_tasks
from sqlalchemy import text

type Effects = Callable[[], Awaitable[list[str]]]
type Make = Callable[..., Application]
type Subscribed = Callable[..., Awaitable[Application]]


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


async def tell(application: Application, event: Event) -> None:
    async with application.database.unit_of_work() as session:
        await publish(session, event)


async def queued(application: Application) -> list[dict[str, Any]]:
    async with application.database.driver_connection() as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM seamark.task ORDER BY id")]


async def test_subscribers_hear_of_what_was_committed(subscribed: Subscribed, effects: Effects) -> None:
    subscription = Subscription(Deleted, forget)
    probe = await subscribed(subscription, Subscription(Renamed, fail))
    event = Deleted(id=uuid4())
    await tell(probe, event)
    assert await run_due_tasks(probe) == [(subscription.task.name, Outcome.SUCCEEDED)]
    assert subscription.task.name.endswith(".on.probe.deleted")
    assert await effects() == [f"forgot {event.id}"]


async def test_text_that_postgres_cannot_store_is_refused_by_name(subscribed: Subscribed) -> None:
    probe = await subscribed(Subscription(Renamed, fail))
    with pytest.raises(ValueError, match=r"event probe\.renamed: name: Postgres stores neither a NUL"):
        await tell(probe, Renamed(name="a\0b"))
    assert await queued(probe) == []


async def test_without_a_subscriber_nothing_is_written(subscribed: Subscribed) -> None:
    probe = await subscribed()
    await tell(probe, Deleted(id=uuid4()))
    assert await queued(probe) == []


async def test_of_a_rolled_back_transaction_nobody_hears(subscribed: Subscribed) -> None:
    probe = await subscribed(Subscription(Deleted, forget))
    async with probe.database.unit_of_work() as session:
        await publish(session, Deleted(id=uuid4()))
        await session.rollback()
    assert await queued(probe) == []


async def test_a_failing_subscriber_is_tried_again_as_any_task(subscribed: Subscribed) -> None:
    probe = await subscribed(Subscription(Renamed, fail))
    await tell(probe, Renamed(name="x"))
    assert [result for _, result in await run_due_tasks(probe)] == [Next.REPEATED]


async def test_a_process_publishes_for_modules_that_it_does_not_have(
    subscribed: Subscribed, make_application: Make, effects: Effects
) -> None:
    probe = await subscribed(Subscription(Deleted, forget))
    event = Deleted(id=uuid4())
    await tell(make_application(), event)
    await run_due_tasks(probe)
    assert await effects() == [f"forgot {event.id}"]


async def test_who_subscribes_no_more_is_told_no_more(subscribed: Subscribed) -> None:
    await subscribed(Subscription(Deleted, forget))
    probe = await subscribed(Subscription(Renamed, fail))
    await tell(probe, Deleted(id=uuid4()))
    assert await queued(probe) == []


async def test_a_delivery_has_the_options_of_its_subscription(subscribed: Subscribed) -> None:
    options: dict[str, Any] = {
        "queue": "slow",
        "priority": Priority.LOW,
        "retention": timedelta(days=2),
        "retry": RetryPolicy(max_attempts=7),
        "external": True,
    }
    subscription = Subscription(Deleted, forget, **options)
    await tell(await subscribed(subscription), Deleted(id=uuid4()))

    [row] = await queued(await subscribed())
    assert {name: row[name] for name in ("queue", "priority", "retention")} == {
        "queue": "slow",
        "priority": Priority.LOW,
        "retention": timedelta(days=2),
    }
    assert {name: getattr(subscription.task, name) for name in options} == options


async def test_without_a_key_there_is_no_order(subscribed: Subscribed) -> None:
    probe = await subscribed(Subscription(Deleted, forget, ordered=True))
    for _ in range(2):
        await tell(probe, Deleted(id=uuid4()))
    assert [(row["order_key"], row["order_seq"]) for row in await queued(probe)] == [(None, None)] * 2
    assert len(await run_due_tasks(probe)) == 2
