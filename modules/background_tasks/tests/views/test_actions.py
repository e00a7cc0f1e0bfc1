"""What people may do to a task: retry and cancel."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from framework.application import Application
from framework.tasks import Outcome, RetryPolicy, TaskRun, task
from framework.tasks.registry import tasks_of
from framework.tasks.testing import run_due_tasks
from host.testing.people import SignedInClient
from httpx import AsyncClient

TASKS = "/api/background_tasks/tasks"
WORKER = "INSERT INTO seamark.task_worker (name, tasks) VALUES ('one@here', $1)"
broken_now = True


@task("probe.nothing")
async def nothing(run: TaskRun) -> None: ...


@task("probe.broken", retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    if broken_now:
        raise ValueError("the disk is full")


@pytest.fixture
async def probe(make_application: Callable[..., Application]) -> Application:
    """With a worker that knows its tasks, which the application that is asked does not."""
    application = make_application(nothing, broken)
    async with application.database.driver_connection() as connection:
        await connection.execute(WORKER, list(tasks_of(application.modules)))
    return application


@pytest.fixture
def repaired(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setitem(globals(), "broken_now", False)


@pytest.fixture
async def operator(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(permissions=("background_tasks.view", "background_tasks.manage"))


async def enqueue(application: Application, what: Any, key: str | None = None) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await what.configure(key=key).enqueue(session)
        return task_id


async def state(application: Application, task_id: UUID) -> str:
    async with application.database.driver_connection() as connection:
        return str(await connection.fetchval("SELECT state FROM seamark.task WHERE id = $1", task_id))


async def refused(client: AsyncClient, path: str) -> tuple[int, str]:
    answer = await client.post(f"{TASKS}/{path}")
    return answer.status_code, answer.json()["code"]


async def test_a_task_is_cancelled_once(probe: Application, operator: AsyncClient) -> None:
    task_id = await enqueue(probe, nothing)
    for _ in range(2):
        assert (await operator.post(f"{TASKS}/{task_id}/cancel")).status_code == 202
    await run_due_tasks(probe)
    assert await state(probe, task_id) == "cancelled"
    assert await refused(operator, f"{task_id}/cancel") == (409, "background_tasks.ended")


async def test_one_that_nobody_knows_any_more_is_cancelled_at_once(
    application: Application, operator: AsyncClient, add_rows: Callable[..., Awaitable[list[UUID]]]
) -> None:
    ordered = {"name": "'gone.task'", "order_key": "'key'"}
    [task_id] = await add_rows(**ordered, order_seq=1)
    [behind] = await add_rows(**ordered, order_seq=2, publish_at="'infinity'")
    assert (await operator.post(f"{TASKS}/{task_id}/cancel")).status_code == 202
    assert await state(application, task_id) == "cancelled"
    assert await refused(operator, f"{task_id}/cancel") == (409, "background_tasks.ended")
    async with application.database.driver_connection() as connection:
        assert await connection.fetchval("SELECT publish_at <= now() FROM seamark.task WHERE id = $1", behind)


async def test_a_dead_letter_runs_again_with_all_its_attempts(
    probe: Application, operator: AsyncClient, repaired: Callable[[], None]
) -> None:
    task_id = await enqueue(probe, broken)
    await run_due_tasks(probe)
    assert await state(probe, task_id) == "failed"
    repaired()
    assert (await operator.post(f"{TASKS}/{task_id}/retry")).status_code == 202
    assert await run_due_tasks(probe) == [("probe.broken", Outcome.SUCCEEDED)]


async def test_a_cancelled_task_runs_again(probe: Application, operator: AsyncClient) -> None:
    task_id = await enqueue(probe, nothing)
    await operator.post(f"{TASKS}/{task_id}/cancel")
    await run_due_tasks(probe)
    assert (await operator.post(f"{TASKS}/{task_id}/retry")).status_code == 202
    await run_due_tasks(probe)
    assert await state(probe, task_id) == "succeeded"


async def test_what_waits_or_has_succeeded_is_not_retried(probe: Application, operator: AsyncClient) -> None:
    task_id = await enqueue(probe, nothing)
    assert await refused(operator, f"{task_id}/retry") == (409, "background_tasks.queued")
    await run_due_tasks(probe)
    assert await refused(operator, f"{task_id}/retry") == (409, "background_tasks.succeeded")


async def test_it_is_not_retried_while_another_has_its_key(probe: Application, operator: AsyncClient) -> None:
    task_id = await enqueue(probe, broken, key="nightly")
    await run_due_tasks(probe)
    await enqueue(probe, broken, key="nightly")
    assert await refused(operator, f"{task_id}/retry") == (409, "background_tasks.key_taken")


async def test_all_dead_letters_of_a_task_run_again(
    probe: Application, operator: AsyncClient, repaired: Callable[[], None]
) -> None:
    for _ in range(3):
        await enqueue(probe, broken)
    await run_due_tasks(probe)
    repaired()
    for expected in ({"retried": 3, "more": False}, {"retried": 0, "more": False}):
        answer = await operator.post(f"{TASKS}/retry", json={"name": "probe.broken"})
        assert (answer.status_code, answer.json()) == (200, expected)
    assert await run_due_tasks(probe) == [("probe.broken", Outcome.SUCCEEDED)] * 3


@pytest.mark.parametrize("what", ["cancel", "retry"])
async def test_there_may_be_no_such_task(operator: AsyncClient, what: str) -> None:
    assert await refused(operator, f"{uuid4()}/{what}") == (404, "background_tasks.not_found")


async def test_who_may_only_look_changes_nothing(probe: Application, signed_in_client: SignedInClient) -> None:
    viewer = await signed_in_client(permissions=("background_tasks.view",))
    task_id = await enqueue(probe, nothing)
    for path in (f"{task_id}/cancel", f"{task_id}/retry", "retry"):
        assert (await viewer.post(f"{TASKS}/{path}", json={"name": "probe.nothing"})).status_code == 403
