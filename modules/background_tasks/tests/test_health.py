"""Health says when what is enqueued does not get done."""

from collections.abc import Callable

import pytest
from background_tasks import health
from framework.application import Application
from framework.health import Unhealthy
from framework.tasks import TaskRun, task


@task("probe.nothing", queue="one")
async def nothing(run: TaskRun) -> None: ...


@task("probe.other", queue="other")
async def other(run: TaskRun) -> None: ...


@pytest.fixture
async def probe(make_application: Callable[..., Application]) -> Application:
    """A task due for two minutes in one queue, and one just due in another."""
    application = make_application(nothing, other)
    async with application.database.unit_of_work() as session:
        task_id = await nothing.enqueue(session)
        await other.enqueue(session)
    async with application.database.driver_connection() as connection:
        await connection.execute(
            "UPDATE seamark.task SET publish_at = now() - interval '2 minutes' WHERE id = $1", task_id
        )
    return application


async def test_a_task_that_nobody_publishes_degrades_it(probe: Application) -> None:
    with pytest.raises(Unhealthy, match=r"due for 120 s"):
        await health.outbox(probe)


async def test_one_that_runs_longer_than_its_lease_does_not(probe: Application) -> None:
    async with probe.database.driver_connection() as connection:
        await connection.execute(
            "INSERT INTO seamark.task_signal (task_id, heartbeat_at) SELECT id, now() FROM seamark.task"
        )
    assert await health.outbox(probe) == "nothing waits"


async def test_without_tasks_nothing_waits(application: Application) -> None:
    assert await health.outbox(application) == "nothing waits"


async def test_a_silent_worker_degrades_it(application: Application) -> None:
    with pytest.raises(Unhealthy, match="no worker was ever seen"):
        await health.workers(application)
    async with application.database.driver_connection() as connection:
        await connection.execute("INSERT INTO seamark.task_worker (name) VALUES ('celery@here')")
        assert await health.workers(application) == "a worker was seen 0 s ago"
        await connection.execute("UPDATE seamark.task_worker SET seen_at = now() - interval '1 minute'")
    with pytest.raises(Unhealthy, match="no worker was seen for 60 s"):
        await health.workers(application)
