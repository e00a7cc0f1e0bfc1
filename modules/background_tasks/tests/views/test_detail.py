"""All that is kept of one task, as people see it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from background_tasks.views.detail import detail
from background_tasks.views.schemas import AttemptOutcome, EventKind, ParkedReason, TaskDetail, TaskStatus
from framework.application import Application
from framework.correlation import bound
from framework.problems import Problem
from framework.tasks import RetryPolicy, TaskRun, step_task, task
from framework.tasks.testing import run_due_tasks
from host.testing.people import SignedInClient
from pydantic import SecretStr

ONCE = RetryPolicy(max_attempts=1)


@task("probe.send", external=True)
async def send(run: TaskRun, *, to: str, api_key: str, code: SecretStr) -> None:
    await run.progress(3, 4, "sending")


@task("probe.broken", retry=ONCE)
async def broken(run: TaskRun) -> None:
    raise ValueError("the disk is full")


@step_task("probe.count", cursor=int)
async def count(run: TaskRun, cursor: int | None) -> int | None:
    return None if cursor == 2 else (cursor or 0) + 1


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(send, broken, count)


async def enqueue(application: Application, what: Any, **arguments: Any) -> UUID:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await what.enqueue(session, **arguments)
        return task_id


async def execute(application: Application, statement: str, *values: Any) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(statement, *values)


def kinds(found: TaskDetail) -> list[EventKind]:
    return [event.kind for event in found.timeline]


async def test_secrets_among_the_arguments_are_masked(probe: Application) -> None:
    task_id = await enqueue(probe, send, to="ada@example.org", api_key="hunter2", code=SecretStr("1234"))
    found = await detail(probe, task_id)
    assert found.arguments == {"to": "ada@example.org", "api_key": "**********", "code": "**********"}
    assert found.arguments_hidden is None


async def test_of_a_task_that_this_process_does_not_know_only_the_names_of_arguments_are_shown(
    probe: Application, application: Application
) -> None:
    task_id = await enqueue(probe, send, to="ada@example.org", api_key="hunter2", code=SecretStr("1234"))
    found = await detail(application, task_id)
    assert set(found.arguments.values()) == {"**********"}
    assert found.arguments.keys() == {"to", "api_key", "code"}
    assert found.arguments_hidden is not None
    assert "does not know the task" in found.arguments_hidden
    assert found.declaration is None


async def test_what_the_declaration_says_is_shown(probe: Application) -> None:
    found = await detail(probe, await enqueue(probe, send, to="", api_key="", code=SecretStr("")))
    assert found.declaration is not None
    assert (found.declaration.max_attempts, found.declaration.external, found.declaration.steps) == (3, True, False)


async def test_a_success_has_one_attempt_and_a_timeline(probe: Application) -> None:
    task_id = await enqueue(probe, send, to="", api_key="", code=SecretStr(""))
    await run_due_tasks(probe)
    found = await detail(probe, task_id)
    assert [(attempt.number, attempt.outcome, attempt.worker) for attempt in found.attempts] == [
        (1, AttemptOutcome.SUCCEEDED, "test")
    ]
    assert kinds(found) == [EventKind.ENQUEUED, EventKind.STARTED, EventKind.SUCCEEDED]
    assert (found.done, found.total, found.note) == (3, 4, "sending")
    assert found.finished_at is not None
    assert found.kept_until is not None
    assert (found.kept_until - found.finished_at).days == 30


async def test_a_dead_letter_shows_its_traceback_and_is_kept_longer(probe: Application) -> None:
    task_id = await enqueue(probe, broken)
    await run_due_tasks(probe)
    found = await detail(probe, task_id)
    assert found.failure is not None
    assert (found.failure.type, found.failure.message) == ("ValueError", "the disk is full")
    assert "test_detail.py" in found.failure.traceback
    assert [attempt.outcome for attempt in found.attempts] == [AttemptOutcome.FAILED]
    assert kinds(found) == [EventKind.ENQUEUED, EventKind.STARTED, EventKind.FAILED, EventKind.DEAD]
    assert found.finished_at is not None
    assert found.kept_until is not None
    assert (found.kept_until - found.finished_at).days == 90


async def test_an_attempt_whose_process_went_away_is_lost(probe: Application) -> None:
    task_id = await enqueue(probe, send, to="", api_key="", code=SecretStr(""))
    await execute(
        probe,
        "INSERT INTO seamark.task_signal (task_id, attempt, worker, started_at, heartbeat_at) "
        "VALUES ($1, 1, 'gone@here', now() - interval '2 minutes', now() - interval '1 minute')",
        task_id,
    )
    found = await detail(probe, task_id)
    assert [(attempt.outcome, attempt.ended_at) for attempt in found.attempts] == [
        (AttemptOutcome.LOST, found.heartbeat_at)
    ]
    await run_due_tasks(probe)
    found = await detail(probe, task_id)
    assert [attempt.outcome for attempt in found.attempts] == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]


async def test_one_that_was_handed_back_waits_for_another_worker(probe: Application) -> None:
    task_id = await enqueue(probe, send, to="", api_key="", code=SecretStr(""))
    await execute(
        probe, "INSERT INTO seamark.task_signal (task_id, attempt, started_at) VALUES ($1, 1, now())", task_id
    )
    found = await detail(probe, task_id)
    assert [attempt.outcome for attempt in found.attempts] == [AttemptOutcome.HANDED_BACK]
    assert found.status is TaskStatus.QUEUED


async def test_committed_steps_are_counted(probe: Application) -> None:
    task_id = await enqueue(probe, count)
    await run_due_tasks(probe)
    assert (await detail(probe, task_id)).steps == 2


async def test_log_lines_are_shown_in_order(probe: Application) -> None:
    task_id = await enqueue(probe, broken)
    await execute(
        probe,
        "INSERT INTO seamark.task_log (task_id, attempt, at, level, event, fields) "
        "SELECT $1, 1, now(), 'info', 'line ' || i, '{\"n\": 1}' FROM generate_series(1, 501) AS i",
        task_id,
    )
    logs = (await detail(probe, task_id)).logs
    assert (len(logs), logs[0].event, logs[-1].event, logs[0].fields) == (500, "line 2", "line 501", {"n": 1})


async def test_others_of_the_same_request_are_counted(probe: Application) -> None:
    with bound("0123456789abcdef"):
        task_id = await enqueue(probe, broken)
        await enqueue(probe, count)
    await enqueue(probe, count)
    assert (await detail(probe, task_id)).siblings == 1


@pytest.mark.parametrize(
    ("queues", "tasks", "reason"),
    [
        (["default"], ["probe.other"], ParkedReason.UNKNOWN_NAME),
        (["other"], ["probe.broken"], ParkedReason.QUEUE_NOT_CONSUMED),
        (["default"], ["probe.broken"], None),
    ],
)
async def test_why_it_is_parked_is_said(
    probe: Application, queues: list[str], tasks: list[str], reason: ParkedReason | None
) -> None:
    task_id = await enqueue(probe, broken)
    await execute(
        probe, "INSERT INTO seamark.task_worker (name, queues, tasks) VALUES ('one@here', $1, $2)", queues, tasks
    )
    assert (await detail(probe, task_id)).parked is reason


async def test_one_in_order_says_what_it_waits_for(probe: Application) -> None:
    first, second = await enqueue(probe, broken), await enqueue(probe, broken)
    for number, task_id in enumerate((first, second)):
        await execute(probe, "UPDATE seamark.task SET order_key = 'ada', order_seq = $2 WHERE id = $1", task_id, number)
    assert (await detail(probe, first)).waits_for is None
    assert (await detail(probe, second)).waits_for == first


async def test_there_may_be_no_such_task(probe: Application) -> None:
    with pytest.raises(Problem) as problem:
        await detail(probe, uuid4())
    assert (problem.value.status, problem.value.code) == (404, "background_tasks.not_found")


async def test_a_route_answers_with_it(probe: Application, signed_in_client: SignedInClient) -> None:
    task_id = await enqueue(probe, broken)
    viewer = await signed_in_client(permissions=("background_tasks.view",))
    assert (await viewer.get(f"/api/background_tasks/tasks/{task_id}")).json()["id"] == str(task_id)
    stranger = await signed_in_client()
    assert (await stranger.get(f"/api/background_tasks/tasks/{task_id}")).status_code == 403
