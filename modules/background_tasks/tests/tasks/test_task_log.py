"""What a task logs is kept beside it: enough to follow it, bounded, and without secrets."""

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from framework.application import Application
from framework.logging import configure
from framework.tasks import Outcome, RetryPolicy, TaskRun, task
from framework.tasks.log_lines import LONGEST_FIELDS, MOST_LINES
from framework.tasks.runner import Next, Runner

Make = Callable[..., Application]
LINES = "SELECT attempt, level, event, fields FROM seamark.task_log WHERE task_id = $1 ORDER BY id"
log = structlog.get_logger()


@pytest.fixture(autouse=True)
def logging() -> Iterator[io.TextIOWrapper]:
    """Our log, as a worker has it."""
    before = structlog.get_config()
    stream = io.TextIOWrapper(io.BytesIO())
    configure("json", "debug", "test", stream=stream)
    yield stream
    structlog.configure(**before)


async def run_once(application: Application, declared: Any) -> tuple[UUID, Any]:
    async with application.database.unit_of_work() as session:
        task_id: UUID = await declared.enqueue(session)
    return task_id, await Runner(application, "here").run(task_id)


async def lines(application: Application, task_id: UUID) -> list[dict[str, Any]]:
    async with application.database.driver_connection() as connection:
        return [dict(record) for record in await connection.fetch(LINES, task_id)]


async def test_lines_are_kept_with_their_fields(make_application: Make, logging: io.TextIOWrapper) -> None:
    @task("probe.talking")
    async def talking(run: TaskRun) -> None:
        log.debug("details")
        log.info("read", rows=3, file="a.csv")
        await asyncio.create_task(say("slow", seconds=2.5))

    async def say(what: str, **fields: Any) -> None:
        log.warning(what, **fields)

    probe = make_application(talking)
    task_id, result = await run_once(probe, talking)
    assert result is Outcome.SUCCEEDED
    assert await lines(probe, task_id) == [
        {"attempt": 1, "level": "info", "event": "read", "fields": {"rows": 3, "file": "a.csv"}},
        {"attempt": 1, "level": "warning", "event": "slow", "fields": {"seconds": 2.5}},
    ]
    assert b'"event":"read"' in logging.buffer.getvalue(), "they are in the log, too"  # type: ignore[attr-defined]


async def test_of_an_attempt_that_failed_too(make_application: Make) -> None:
    @task("probe.broken", retry=RetryPolicy())
    async def broken(run: TaskRun) -> None:
        try:
            raise OSError("disk full")
        except OSError:
            log.exception("not written")
        raise RuntimeError("gives up")

    probe = make_application(broken)
    task_id, result = await run_once(probe, broken)
    assert result is Next.REPEATED
    (line,) = await lines(probe, task_id)
    assert (line["level"], line["event"], line["fields"]) == ("error", "not written", {"error": "OSError: disk full"})


async def test_while_it_runs(make_application: Make, eventually: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.tasks.watch.HEARTBEAT", 0.05)
    seen = asyncio.Event()

    @task("probe.long")
    async def long(run: TaskRun) -> None:
        log.info("half way")
        await seen.wait()

    probe = make_application(long)
    async with probe.database.unit_of_work() as session:
        task_id = await long.enqueue(session)
    run = asyncio.create_task(Runner(probe, "here").run(task_id))
    assert [line["event"] for line in await eventually(lambda: lines(probe, task_id))] == ["half way"]
    seen.set()
    assert await run is Outcome.SUCCEEDED
    assert len(await lines(probe, task_id)) == 1


async def test_no_secrets_nothing_long_and_nothing_that_postgres_refuses(make_application: Make) -> None:
    @task("probe.odd")
    async def odd(run: TaskRun) -> None:
        log.info("signed in", password="hunter2", headers={"Authorization": "Bearer hunter2"}, to="a@example.com")
        log.info("long", text="x" * 10_000)
        log.info("wide", **{f"field_{number}": "x" * 100 for number in range(100)})
        log.info("odd \0 \ud800", value=object(), number=float("nan"), big=2**80, at={1, 2})

    probe = make_application(odd)
    task_id, result = await run_once(probe, odd)
    assert result is Outcome.SUCCEEDED
    kept = await lines(probe, task_id)
    assert [line["event"] for line in kept] == ["signed in", "long", "wide", "odd  ?"]
    assert "hunter2" not in str(kept)
    assert kept[0]["fields"]["to"] == "a@example.com"
    assert len(str(kept[1])) < 1000
    assert len(str(kept[2])) < LONGEST_FIELDS + 200
    assert kept[3]["fields"]["big"] == 2**80


async def test_the_first_lines_of_many(make_application: Make) -> None:
    @task("probe.chatty")
    async def chatty(run: TaskRun) -> None:
        for number in range(3 * MOST_LINES):
            log.info("line", number=number)

    probe = make_application(chatty)
    task_id, _ = await run_once(probe, chatty)
    kept = await lines(probe, task_id)
    assert [line["fields"].get("number") for line in kept] == [*range(MOST_LINES), None]
    assert kept[-1]["event"] == f"only the first {MOST_LINES} lines are kept"


async def test_a_task_that_logs_nothing_leaves_none(make_application: Make, logging: io.TextIOWrapper) -> None:
    @task("probe.silent")
    async def silent(run: TaskRun) -> None: ...

    probe = make_application(silent)
    task_id, _ = await run_once(probe, silent)
    assert await lines(probe, task_id) == []
    assert str(task_id).encode() in logging.buffer.getvalue(), "the runner's line is not the task's"  # type: ignore[attr-defined]
