"""What people see of tasks, and what they may do to them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from framework.application import Application
from framework.correlation import bound
from framework.tasks import RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks
from host.testing.people import SignedInClient
from httpx import AsyncClient

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
    answer = await client.get(TASKS, params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


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


async def test_a_task_is_cancelled(probe: Application, operator: AsyncClient) -> None:
    [task_id] = await enqueue(probe, nothing)
    assert (await operator.post(f"{TASKS}/{task_id}/cancel")).status_code == 202
    await run_due_tasks(probe)
    assert await names(operator, status="cancelled") == ["probe.nothing"]
    answer = await operator.post(f"{TASKS}/{task_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "background_tasks.ended")


async def test_an_unknown_task_cannot_be_cancelled(operator: AsyncClient) -> None:
    answer = await operator.post(f"{TASKS}/{uuid4()}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (404, "background_tasks.not_found")


async def test_looking_and_cancelling_are_different_permissions(signed_in_client: SignedInClient) -> None:
    stranger = await signed_in_client()
    assert (await stranger.get(TASKS)).status_code == 403
    viewer = await signed_in_client(permissions=("background_tasks.view",))
    assert (await viewer.get(TASKS)).status_code == 200
    assert (await viewer.post(f"{TASKS}/{uuid4()}/cancel")).status_code == 403
