"""``sm tasks …``: what it prints, what it changes, and how it says that something is wrong."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import typer
from background_tasks.command_line import commands
from framework.application import Application, connect
from framework.correlation import bound
from framework.module import Module
from framework.settings import Settings
from framework.tasks import Outcome, RetryPolicy, TaskRun, task
from framework.tasks.testing import run_due_tasks
from typer.testing import CliRunner, Result

from host import cli

type Sm = Callable[..., Awaitable[Result]]
broken_now = True


@task("probe.nothing")
async def nothing(run: TaskRun, *, who: str = "ada", password: str = "hunter2") -> None: ...


@task("probe.broken", external=True, retry=RetryPolicy(max_attempts=1))
async def broken(run: TaskRun) -> None:
    if broken_now:
        raise ValueError("the disk is [full]")


@pytest.fixture
def probe(make_application: Callable[..., Application]) -> Application:
    return make_application(nothing, broken)


@pytest.fixture
def sm(monkeypatch: pytest.MonkeyPatch, settings: Settings, probe: Application) -> Sm:
    """``await sm("list", "--status", "failed")``, in an event loop of its own as a shell would have it."""
    monkeypatch.setattr(cli, "app", typer.Typer())
    cli.add_commands_of([Module(name="background_tasks", label="", commands=(commands.group,))])

    def run(work: Callable[[Application], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            application = connect(settings, probe.modules, "test")
            try:
                return await work(application)
            finally:
                await application.close()

        return asyncio.run(main())

    monkeypatch.setattr(commands, "run", run)

    async def sm(*words: object, answer: str = "") -> Result:
        arguments = ["tasks", *map(str, words)]
        return await asyncio.to_thread(CliRunner().invoke, cli.app, arguments, input=answer)

    return sm


async def enqueue(application: Application, *tasks: Any, **arguments: Any) -> list[UUID]:
    async with application.database.unit_of_work() as session:
        ids = [await item.enqueue(session, **arguments) for item in tasks]
    await run_due_tasks(application)
    return ids


async def execute(application: Application, statement: str) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(statement)


def words(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


async def test_tasks_are_listed_the_latest_first_and_narrowed(probe: Application, sm: Sm) -> None:
    first, second = await enqueue(probe, nothing, broken)
    shown = (await sm("list")).output
    assert shown.index(str(second)) < shown.index(str(first))
    assert "the disk is [full]" in shown
    only = (await sm("list", "--status", "failed", "--module", "probe", "-q", "brok")).output
    assert (str(second) in only, str(first) in only) == (True, False)
    assert (await sm("list", "--name", "probe.other")).output == "No tasks.\n"


async def test_a_list_is_as_long_as_it_is_asked_for(probe: Application, sm: Sm) -> None:
    async with probe.database.unit_of_work() as session:
        await nothing.enqueue_many(session, [{}] * 130)
    assert len(json.loads((await sm("list", "--limit", 120, "--format", "json")).output)) == 120
    assert len(json.loads((await sm("list", "--limit", 500, "--format", "json")).output)) == 130


async def test_a_task_is_shown_whole_and_its_secrets_masked(probe: Application, sm: Sm) -> None:
    with bound("0123456789abcdef"):
        succeeded, failed = await enqueue(probe, nothing, broken)
    shown = words(await sm("show", succeeded))
    assert f"probe.nothing succeeded {succeeded}" in shown
    shown = words(await sm("show", failed))
    for expected in (
        "effect leaves the database",
        "started Attempt 1 started on test.",
        "dead It has failed for good.",
        "ValueError: the disk is [full]",
        "test_commands.py",
        f"sm tasks retry {failed}",
        "(one other task)",
    ):
        assert expected in shown, expected


async def test_secrets_are_masked_in_json_too(probe: Application, sm: Sm) -> None:
    [task_id] = await enqueue(probe, nothing, who="grace", password="hunter2")
    shown = await sm("show", task_id, "--format", "json")
    assert json.loads(shown.output)["arguments"] == {"who": "grace", "password": "**********"}
    assert "hunter2" not in (await sm("show", task_id)).output


async def test_a_failed_task_whose_effect_leaves_the_database_is_retried_after_a_question(
    probe: Application, sm: Sm, monkeypatch: pytest.MonkeyPatch
) -> None:
    [task_id] = await enqueue(probe, broken)
    refused = await sm("retry", task_id, answer="n\n")
    assert refused.exit_code == 1
    assert "may cause it twice" in refused.output
    monkeypatch.setitem(globals(), "broken_now", False)
    assert words(await sm("retry", task_id, "--yes")) == f"{task_id} runs again."
    assert await run_due_tasks(probe) == [("probe.broken", Outcome.SUCCEEDED)]


async def test_all_dead_letters_of_a_task_are_retried(
    probe: Application, sm: Sm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enqueue(probe, broken, broken)
    monkeypatch.setitem(globals(), "broken_now", False)
    assert "2 tasks run again." in words(await sm("retry-all", "probe.broken", answer="y\n"))
    assert await run_due_tasks(probe) == [("probe.broken", Outcome.SUCCEEDED)] * 2
    none = await sm("retry-all", "probe.broken", "-y")
    assert (none.exit_code, "no dead letters of probe.broken" in none.stderr) == (1, True)


async def test_attempts_beyond_the_most_are_explained(probe: Application, sm: Sm) -> None:
    [task_id] = await enqueue(probe, broken)
    assert "at most 1 each time" not in words(await sm("show", task_id))
    await sm("retry", task_id, "--yes")
    await run_due_tasks(probe)
    assert "2, at most 1 each time it is run again" in words(await sm("show", task_id))


async def test_a_waiting_task_is_cancelled(probe: Application, sm: Sm) -> None:
    async with probe.database.unit_of_work() as session:
        task_id = await nothing.enqueue(session)
    assert words(await sm("cancel", task_id)) == f"{task_id} is being cancelled."
    assert await run_due_tasks(probe) == [("probe.nothing", Outcome.CANCELLED)]


@pytest.mark.parametrize("command", ["show", "retry", "cancel"])
async def test_that_there_is_no_such_task_is_said_without_a_traceback(sm: Sm, command: str) -> None:
    result = await sm(command, uuid4())
    assert (result.exit_code, result.stderr) == (1, "There is no such task, or it is long over.\n")


async def test_queues_workers_and_schedules_are_shown(probe: Application, sm: Sm) -> None:
    await execute(
        probe,
        "INSERT INTO seamark.task_worker (name, queues, tasks, concurrency, release) "
        "VALUES ('one@here', '{default}', '{probe.nothing}', 4, 'abc')",
    )
    await execute(
        probe,
        "INSERT INTO seamark.task_sample (queue, at, waiting, lag, finished, failed) VALUES ('default', now(), 9, 1, 7, 0)",
    )
    await execute(
        probe,
        "INSERT INTO seamark.task_schedule (entry, task, timing, missed, next_due_at) "
        "VALUES ('probe.nightly', 'probe.nothing', '0 3 * * * Europe/Berlin', 'once', now() + interval '2 hours')",
    )
    assert "default 0 0 0 0 7 █ one@here" in words(await sm("queues"))
    assert "one@here running" in words(await sm("workers"))
    assert "probe.nightly At 03:00 every day, Europe/Berlin once in 1 h" in words(await sm("schedules"))
    for command, name in (("queues", "queue"), ("workers", "name"), ("schedules", "entry")):
        assert name in json.loads((await sm(command, "--format", "json")).output)[0]


async def test_an_installation_where_nothing_ran_says_what_to_start(sm: Sm) -> None:
    assert "celery -A background_tasks.celery_app worker" in words(await sm("workers"))
    assert "celery -A background_tasks.celery_app beat" in words(await sm("schedules"))


async def test_old_tasks_are_forgotten_after_a_question_that_counts_them(probe: Application, sm: Sm) -> None:
    await enqueue(probe, nothing, nothing, broken)
    await execute(probe, "UPDATE seamark.task SET finished_at = now() - interval '8 days'")
    assert (await sm("purge", "--older-than", "9d")).output == "Nothing ended longer than 9d ago.\n"
    refused = await sm("purge", "--older-than", "1w", answer="n\n")
    assert (refused.exit_code, "Forget 2 tasks for good?" in refused.output) == (1, True)
    assert words(await sm("purge", "--older-than", "1w", "-y")) == "2 forgotten."
    assert words(await sm("purge", "--older-than", "1w", "-y", "--dead-letters")) == "1 forgotten."


@pytest.mark.parametrize("age", ["30", "d", "-1d", "30 days"])
async def test_an_age_that_is_none_is_refused(sm: Sm, age: str) -> None:
    result = await sm("purge", "--older-than", age)
    assert (result.exit_code, "36h, 30d, 8w" in result.output) == (2, True)


def test_it_answers_without_a_broker_and_says_when_postgres_is_away(environment: dict[str, str], clean: None) -> None:
    def process(**changed: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "host.cli", "tasks", "list"]
        return subprocess.run(
            command, env={**os.environ, **environment, **changed}, capture_output=True, text=True, check=False
        )

    done = process(SM_REDIS_URL="redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout) == (0, "No tasks.\n")
    away = process(SM_DATABASE_URL="postgresql+asyncpg://seamark:secret@127.0.0.1:1/seamark")
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("Postgres does not answer")
    assert "secret" not in away.stderr
