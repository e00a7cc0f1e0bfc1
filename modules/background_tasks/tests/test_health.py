"""Health says when what is enqueued does not get done."""

from collections.abc import Callable
from typing import Any

import pytest
from background_tasks import health
from framework.application import Application
from framework.health import Unhealthy
from framework.settings import DEVELOPMENT
from framework.tasks import RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks


@task("probe.nothing", queue="one")
async def nothing(run: TaskRun) -> None: ...


@task("probe.other", queue="other")
async def other(run: TaskRun) -> None: ...


@task("probe.broken", retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    raise ValueError("the disk is full")


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing, other, broken)


async def enqueue(application: Application, *tasks: Any) -> None:
    async with application.database.unit_of_work() as session:
        for item in tasks:
            await item.enqueue(session)


async def execute(application: Application, statement: str) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(statement)


@pytest.fixture
async def waiting(probe: Application) -> Application:
    """A task due for two minutes in one queue, and one just due in another."""
    await enqueue(probe, nothing, other)
    due = "publish_at = now() - interval '2 minutes', available_at = now() - interval '2 minutes'"
    await execute(probe, f"UPDATE seamark.task SET {due} WHERE queue = 'one'")
    return probe


class TestOutbox:
    async def test_a_task_that_nobody_begins_degrades_it(self, waiting: Application) -> None:
        with pytest.raises(Unhealthy, match=r"due for 120 s in the queue one"):
            await health.outbox(waiting)

    async def test_one_that_runs_does_not(self, waiting: Application) -> None:
        await execute(
            waiting, "INSERT INTO seamark.task_signal (task_id, heartbeat_at) SELECT id, now() FROM seamark.task"
        )
        assert await health.outbox(waiting) == "nothing waits"

    async def test_without_tasks_nothing_waits(self, probe: Application) -> None:
        assert await health.outbox(probe) == "nothing waits"


class TestWorkers:
    async def test_a_silent_one_degrades_it(self, probe: Application) -> None:
        with pytest.raises(Unhealthy, match="there is no worker"):
            await health.workers(probe)
        await execute(probe, "INSERT INTO seamark.task_worker (name) VALUES ('one@here')")
        assert await health.workers(probe) == "one worker"
        await execute(probe, "INSERT INTO seamark.task_worker (name) VALUES ('two@here')")
        assert await health.workers(probe) == "2 workers"
        await execute(probe, "UPDATE seamark.task_worker SET seen_at = now() - interval '1 minute'")
        with pytest.raises(Unhealthy, match="no worker was seen for 60 s"):
            await health.workers(probe)

    async def test_so_do_those_that_are_about_to_stop_when_there_are_no_others(self, probe: Application) -> None:
        await execute(probe, "INSERT INTO seamark.task_worker (name, stopping) VALUES ('one@here', true)")
        with pytest.raises(Unhealthy, match="every worker is about to stop"):
            await health.workers(probe)

    async def test_in_development_one_that_is_just_starting_does_not(self, probe: Application) -> None:
        probe.settings = probe.settings.model_copy(update={"environment": DEVELOPMENT})
        assert await health.workers(probe) == "none yet"
        probe.started_at -= health.LONGEST_START
        with pytest.raises(Unhealthy, match="there is no worker"):
            await health.workers(probe)


class TestDeadLetters:
    async def test_a_new_one_degrades_it_with_name_and_number(self, probe: Application) -> None:
        assert await health.dead_letters(probe) == "none"
        await enqueue(probe, broken, broken, nothing)
        await run_due_tasks(probe)
        with pytest.raises(Unhealthy, match=r"failed for good within a day: 2 probe\.broken;"):
            await health.dead_letters(probe)

    async def test_an_old_one_has_been_seen(self, probe: Application) -> None:
        await enqueue(probe, broken)
        await run_due_tasks(probe)
        await execute(probe, "UPDATE seamark.task SET finished_at = now() - interval '25 hours'")
        assert await health.dead_letters(probe) == "none within a day, 1 older"

    async def test_of_many_kinds_the_most_frequent_are_named(self, probe: Application) -> None:
        await execute(
            probe,
            "INSERT INTO seamark.task (id, name, queue, args, correlation_id, state, finished_at) "
            "SELECT gen_random_uuid(), 'probe.t' || i % 7, 'default', '{}', '', 'failed', now() "
            "FROM generate_series(1, 15) AS i",
        )
        with pytest.raises(Unhealthy, match=r"3 probe\.t1, 2 probe\.t0, .*2 probe\.t4, and 2 other kinds;"):
            await health.dead_letters(probe)


class TestParked:
    async def test_what_no_worker_takes_for_a_minute_degrades_it(self, waiting: Application) -> None:
        await execute(
            waiting,
            "INSERT INTO seamark.task_worker (name, queues, tasks) VALUES ('one@here', '{one}', '{probe.other}')",
        )
        with pytest.raises(Unhealthy, match=r"no worker that runs takes them: 1 probe\.nothing$"):
            await health.parked(waiting)
        await execute(waiting, "UPDATE seamark.task_worker SET tasks = '{probe.nothing}'")
        assert await health.parked(waiting) == "none"

    async def test_without_any_worker_another_check_says_so(self, waiting: Application) -> None:
        assert await health.parked(waiting) == "none"
