"""What people see of tasks, and what they may do to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from background_tasks.views import history
from background_tasks.views.schemas import TaskListParameters
from framework.application import Application
from framework.correlation import bound
from framework.tasks import RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks
from host.testing.people import SignedInClient
from httpx import AsyncClient

FILL = """
INSERT INTO seamark.task (id, name, queue, args, correlation_id, state, finished_at)
SELECT gen_random_uuid(), 'probe.' || i % 50, 'default', '{}', md5(i::text),
    CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'succeeded' END, now()
FROM generate_series(1, 20000) AS i
"""
READ_WHOLE = "SELECT seq_scan FROM pg_stat_user_tables WHERE schemaname = 'seamark' AND relname = 'task'"
TASKS = "/api/background_tasks/tasks"


@task("probe.nothing")
async def nothing(run: TaskRun) -> None: ...


@task("probe.broken", retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    raise ValueError("the disk is full")


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing, broken)


@pytest.fixture
async def operator(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(permissions=("background_tasks.view", "background_tasks.manage"))


async def enqueue(application: Application, *tasks: Any) -> list[UUID]:
    async with application.database.unit_of_work() as session:
        return [await item.enqueue(session) for item in tasks]


async def names(client: AsyncClient, **query: Any) -> list[str]:
    return [item["name"] for item in await items(client, **query)]


async def items(client: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(TASKS, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_the_latest_comes_first_with_what_became_of_it(probe: Application, operator: AsyncClient) -> None:
    with bound("0123456789abcdef"):
        await enqueue(probe, nothing, broken)
    await run_due_tasks(probe)
    await enqueue(probe, nothing)
    items = (await operator.get(TASKS)).json()["items"]
    assert [(item["name"], item["status"], item["error"], item["attempt"]) for item in items] == [
        ("probe.nothing", "queued", None, 0),
        ("probe.broken", "failed", "the disk is full", 1),
        ("probe.nothing", "succeeded", None, 1),
    ]
    assert items[1]["correlation_id"] == "0123456789abcdef"


async def test_it_is_narrowed_by_status_name_and_correlation_id(probe: Application, operator: AsyncClient) -> None:
    with bound("0123456789abcdef"):
        await enqueue(probe, broken)
    await enqueue(probe, nothing)
    await run_due_tasks(probe)
    assert await names(operator, status="failed") == ["probe.broken"]
    assert await names(operator, status="succeeded") == ["probe.nothing"]
    assert await names(operator, status="queued") == []
    assert await names(operator, q="noth") == ["probe.nothing"]
    assert await names(operator, q="0123456789abcdef") == ["probe.broken"]


async def test_a_heartbeat_shows_that_it_runs(probe: Application, operator: AsyncClient) -> None:
    [task_id] = await enqueue(probe, nothing)
    async with probe.database.driver_connection() as connection:
        await connection.execute(
            "INSERT INTO seamark.task_signal (task_id, attempt, heartbeat_at) VALUES ($1, 1, now())", task_id
        )
    assert await names(operator, status="running") == ["probe.nothing"]
    assert await names(operator, status="queued") == []


async def test_pages_follow_each_other(probe: Application, operator: AsyncClient) -> None:
    ids = await enqueue(probe, nothing, nothing, nothing)
    first = (await operator.get(TASKS, params={"limit": 2})).json()
    second = (await operator.get(TASKS, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [str(task_id) for task_id in reversed(ids)]
    assert second["next_cursor"] is None


async def test_each_filter_narrows_and_two_narrow_further(probe: Application, operator: AsyncClient) -> None:
    with bound("0123456789abcdef"):
        await enqueue(probe, nothing, broken)
    await enqueue(probe, nothing)
    assert await names(operator, module="probe", queue="default") == ["probe.nothing", "probe.broken", "probe.nothing"]
    assert await names(operator, name="probe.broken") == ["probe.broken"]
    assert await names(operator, name="probe.nothing", correlation_id="0123456789abcdef") == ["probe.nothing"]
    assert await names(operator, name="probe") == []
    assert await names(operator, module="pro") == []
    assert await names(operator, queue="other") == []
    assert await names(operator, schedule="probe.nothing") == []
    assert await names(operator, q="NOTH", correlation_id="0123456789abcdef") == ["probe.nothing"]


async def test_an_id_finds_its_task(probe: Application, operator: AsyncClient) -> None:
    _, broken_id = await enqueue(probe, nothing, broken)
    assert await names(operator, q=str(broken_id)) == ["probe.broken"]


async def test_what_is_queued_is_told_apart(probe: Application, operator: AsyncClient) -> None:
    async with probe.database.unit_of_work() as session:
        await nothing.configure(delay=timedelta(hours=1)).enqueue(session)
        await broken.enqueue(session)
    await run_due_tasks(probe)
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task SET state = 'queued', finished_at = NULL WHERE state = 'failed'")
    await enqueue(probe, nothing)
    answer = (await operator.get(TASKS)).json()["items"]
    assert [(item["name"], item["status"]) for item in answer] == [
        ("probe.nothing", "queued"),
        ("probe.broken", "retrying"),
        ("probe.nothing", "scheduled"),
    ]
    for item in answer:
        assert [found["id"] for found in await items(operator, status=item["status"])] == [item["id"]]


async def test_what_no_live_worker_takes_is_parked(probe: Application, operator: AsyncClient) -> None:
    await enqueue(probe, nothing, broken)
    assert await names(operator, status="parked") == []
    worker = "INSERT INTO seamark.task_worker (name, queues, tasks) VALUES ($1, $2, $3)"
    async with probe.database.driver_connection() as connection:
        await connection.execute(worker, "one@here", ["default"], ["probe.broken"])
        await connection.execute(worker, "two@here", ["other"], ["probe.nothing"])
    assert await names(operator, status="parked") == ["probe.nothing"]
    assert await names(operator, status="queued") == ["probe.broken"]
    async with probe.database.driver_connection() as connection:
        await connection.execute("UPDATE seamark.task_worker SET stopping = true WHERE name = 'one@here'")
    assert await names(operator, status="parked") == ["probe.broken", "probe.nothing"]


PLANS = {
    "the whole list": {},
    "dead letters": {"status": "failed"},
    "one task's": {"name": "probe.nothing"},
    "one request's": {"correlation_id": "0123456789abcdef"},
    "what runs": {"status": "running"},
    "what a search finds": {"q": "0123456789abcdef"},
}


@pytest.mark.parametrize("query", PLANS.values(), ids=PLANS.keys())
async def test_no_list_reads_the_whole_table(probe: Application, query: dict[str, Any]) -> None:
    """With enough rows that reading all of them would be the wrong plan, and statistics that say so."""
    async with probe.database.driver_connection() as connection:
        await connection.execute(FILL)
        await connection.execute("ANALYZE seamark.task")
    before = await times_read_whole(probe)
    await history.page(probe.database, TaskListParameters(**query))
    assert await times_read_whole(probe) == before


async def times_read_whole(application: Application) -> int:
    # One after another, all use the same connection, which tells what it has counted when it is asked to.
    async with application.database.driver_connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        return int(await connection.fetchval(READ_WHOLE))


async def test_looking_and_cancelling_are_different_permissions(signed_in_client: SignedInClient) -> None:
    stranger = await signed_in_client()
    assert (await stranger.get(TASKS)).status_code == 403
    viewer = await signed_in_client(permissions=("background_tasks.view",))
    assert (await viewer.get(TASKS)).status_code == 200
    assert (await viewer.post(f"{TASKS}/{uuid4()}/cancel")).status_code == 403
