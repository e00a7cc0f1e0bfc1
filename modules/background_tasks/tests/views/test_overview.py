"""Queues, workers and schedules as people see them, and the head of the pages."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from background_tasks.views.overview import summary
from background_tasks.views.queues import samples
from framework.application import Application
from framework.tasks import RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks
from host.testing.people import SignedInClient

type Get = Callable[..., Awaitable[Any]]

WORKER = "INSERT INTO seamark.task_worker (name, queues, tasks, concurrency, release) VALUES ($1, $2, $3, 4, 'abc')"
SAMPLE = """
INSERT INTO seamark.task_sample (queue, at, waiting, lag, finished, failed, in_broker) VALUES ('one', $1, $2, $3, 5, 1, $4)
"""
RUNS = """
INSERT INTO seamark.task_signal (task_id, attempt, worker, started_at, heartbeat_at, done, total)
VALUES ($1, 2, 'one@here', now(), now(), 3, 4)
"""


@task("probe.nothing", queue="one")
async def nothing(run: TaskRun) -> None: ...


@task("probe.broken", queue="one", external=True, retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    raise ValueError("the disk is full")


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing, broken)


@pytest.fixture
async def get(signed_in_client: SignedInClient) -> Get:
    viewer = await signed_in_client(permissions=("background_tasks.view",))

    async def get(path: str, **query: Any) -> Any:
        answer = await viewer.get(f"/api/background_tasks/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


async def enqueue(application: Application, *tasks: Any, **options: Any) -> list[UUID]:
    async with application.database.unit_of_work() as session:
        return [await item.configure(**options).enqueue(session) for item in tasks]


async def execute(application: Application, statement: str, *values: Any) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(statement, *values)


async def test_a_queue_is_counted(probe: Application, get: Get) -> None:
    await enqueue(probe, broken)
    await run_due_tasks(probe)
    await enqueue(probe, nothing, delay=timedelta(hours=1))
    _, running = await enqueue(probe, nothing, nothing)
    await execute(probe, RUNS, running)
    await execute(probe, WORKER, "one@here", ["one"], ["probe.nothing"])
    for seconds in (5, 20, 70):
        await execute(probe, SAMPLE, datetime.now(UTC) - timedelta(seconds=seconds), 1, 2.0, seconds)
    [queue] = [item for item in (await get("queues"))["items"] if item["queue"] == "one"]
    assert 0 <= queue.pop("lag_seconds") < 10
    assert queue == {
        "queue": "one",
        "waiting": 1,
        "running": 1,
        "delayed": 1,
        "dead_letters": 1,
        "per_minute": 10,
        "in_broker": 5,
        "workers": ["one@here"],
    }


async def test_a_queue_that_is_only_declared_is_listed(get: Get) -> None:
    assert "background_tasks" in [item["queue"] for item in (await get("queues"))["items"]]


async def test_samples_lie_on_a_grid_with_gaps_where_nobody_looked(probe: Application) -> None:
    now = datetime(2026, 1, 1, 12, 0, 20, tzinfo=UTC)
    await execute(probe, SAMPLE, now.replace(second=15), 3, 0.5, None)
    await execute(probe, SAMPLE, now.replace(second=0), 2, 1.5, 7)
    found = await samples(probe, 60, now)
    assert (found.step_seconds, found.steps) == (15, 240)
    assert found.start == datetime(2026, 1, 1, 11, 0, 30, tzinfo=UTC)
    [series] = found.series
    assert (series.waiting[-3:], series.lag[-2:], series.in_broker[-2:]) == ([None, 2, 3], [1.5, 0.5], [7, None])


async def test_a_longer_time_has_longer_steps(probe: Application) -> None:
    now = datetime(2026, 1, 1, 12, 0, 20, tzinfo=UTC)
    for second, waiting in ((0, 2), (15, 3)):
        await execute(probe, SAMPLE, now.replace(second=second), waiting, 1.0, waiting)
    found = await samples(probe, 1440, now)
    assert (found.step_seconds, found.steps) == (360, 240)
    [series] = found.series
    assert (series.waiting[-1], series.finished[-1], series.failed[-1]) == (3, 10, 2)


async def test_a_worker_shows_what_it_runs_and_when_it_went_silent(probe: Application, get: Get) -> None:
    [task_id] = await enqueue(probe, nothing)
    await execute(probe, RUNS, task_id)
    for name in ("one@here", "two@here", "three@here"):
        await execute(probe, WORKER, name, ["one"], ["probe.nothing"])
    await execute(probe, "UPDATE seamark.task_worker SET stopping = true WHERE name = 'two@here'")
    silent = "UPDATE seamark.task_worker SET seen_at = now() - interval '1 minute' WHERE name = 'three@here'"
    await execute(probe, silent)
    items = {item["name"]: item for item in (await get("workers"))["items"]}
    assert {name: item["status"] for name, item in items.items()} == {
        "one@here": "running",
        "two@here": "stopping",
        "three@here": "silent",
    }
    [runs] = items["one@here"]["running"]
    assert (runs["id"], runs["name"], runs["attempt"], runs["done"], runs["total"]) == (
        str(task_id),
        "probe.nothing",
        2,
        3,
        4,
    )
    assert items["two@here"]["running"] == []
    assert (items["one@here"]["concurrency"], items["one@here"]["release"]) == (4, "abc")


async def test_a_schedule_shows_its_last_run_and_whether_it_is_gone(probe: Application, get: Get) -> None:
    schedule = (
        "INSERT INTO seamark.task_schedule (entry, task, timing, missed, last_due_at, seen_at) "
        "VALUES ($1, 'probe.nothing', $3, 'once', now(), now() - $2::text::interval)"
    )
    await execute(probe, schedule, "probe.kept", "0 s", "0 3 * * * Europe/Berlin")
    await execute(probe, schedule, "probe.gone", "6 minutes", "every 5 minutes")
    for _ in range(2):
        await enqueue(probe, nothing)
    slot = (
        "UPDATE seamark.task SET schedule = 'probe.kept', due_at = now() - (ctid::text::point)[1] * interval '1 minute'"
    )
    await execute(probe, slot)
    await run_due_tasks(probe)
    found = await get("schedules")
    assert [(item["entry"], item["gone"]) for item in found["items"]] == [("probe.gone", True), ("probe.kept", False)]
    gone, kept = found["items"]
    assert (gone["timing"], kept["timing"]) == ("Every 5 minutes", "At 03:00 every day, Europe/Berlin")
    assert gone["last_run"] is None
    assert kept["last_run"]["status"] == "succeeded"
    assert found["beat_seen_at"] == kept["seen_at"]


async def test_the_head_tells_whose_effect_leaves_the_database(probe: Application) -> None:
    await enqueue(probe, broken)
    await run_due_tasks(probe)
    assert [item.external for item in (await summary(probe)).dead_letters] == [True]


async def test_the_head_counts_by_status_and_names_what_needs_somebody(probe: Application, get: Get) -> None:
    await enqueue(probe, broken, broken)
    await run_due_tasks(probe)
    await enqueue(probe, nothing, delay=timedelta(hours=1))
    _, running = await enqueue(probe, nothing, nothing)
    await execute(probe, RUNS, running)
    await execute(probe, SAMPLE, datetime.now(UTC), 1, 2.0, None)
    found = await get("summary")
    expected = {"queued": 1, "scheduled": 1, "running": 1, "failed": 2, "parked": 0, "retrying": 0, "cancelled": 0}
    assert found["counts"] == expected | {"ended_last_hour": 5, "failed_last_hour": 1}
    assert [(item["name"], item["count"]) for item in found["dead_letters"]] == [("probe.broken", 2)]
    assert (found["workers"], found["names"], found["modules"]) == (0, ["probe.broken", "probe.nothing"], ["probe"])
    await execute(probe, WORKER, "one@here", ["one"], ["probe.other"])
    found = await get("summary")
    assert [(item["name"], item["count"]) for item in found["parked"]] == [("probe.nothing", 1)]
    assert (found["counts"]["parked"], found["counts"]["queued"], found["workers"]) == (1, 0, 1)


@pytest.mark.parametrize("path", ["summary", "queues", "queues/samples", "workers", "schedules"])
async def test_who_may_not_look_sees_nothing(signed_in_client: SignedInClient, path: str) -> None:
    stranger = await signed_in_client()
    assert (await stranger.get(f"/api/background_tasks/{path}")).status_code == 403
