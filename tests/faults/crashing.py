"""``python -m tests.faults.crashing <work> <points>``: does one piece of work again and again, and is killed in each.

Each time in a forked process, which kills itself (SIGKILL) when it enters its n-th Python function since the work began;
n goes evenly over all of them, from the middle of the first share to that of the last. So the points lie before and after
every statement, every write to a socket and every answer, wherever the code is that does it. Prints a line of JSON for each
point.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any
from uuid import UUID

from background_tasks.relay import relay
from framework.application import Application, connect
from framework.settings import Settings, load
from framework.tasks.runner import Runner
from sqlalchemy import text

probe: Any = importlib.import_module("probe.module")
monitoring = sys.monitoring
TOOL = monitoring.DEBUGGER_ID
EVENTS = monitoring.events.PY_START | monitoring.events.PY_RESUME


class Countdown:
    """Ends the process at the ``last``-th entry into a function, counted from ``start`` to ``end``, if these are named.

    With 0 it only counts. A coroutine that goes on, as after an answer from Postgres, is entered too.
    """

    def __init__(self, last: int, out: int) -> None:
        self.start: str | None = None
        self.end: str | None = None
        self.passed = 0
        self._last = last
        self._out = out

    def __enter__(self) -> None:
        monitoring.use_tool_id(TOOL, "crashing")
        for event in (monitoring.events.PY_START, monitoring.events.PY_RESUME):
            monitoring.register_callback(TOOL, event, self._enter)
        monitoring.set_events(TOOL, EVENTS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        monitoring.set_events(TOOL, 0)
        monitoring.free_tool_id(TOOL)
        os.write(self._out, json.dumps({"passed": self.passed}).encode())

    def _enter(self, code: CodeType, offset: int) -> None:
        if not self.passed and self.start not in (None, code.co_qualname):
            return
        if code.co_qualname == self.end:
            monitoring.set_events(TOOL, 0)
        self.passed += 1
        if self.passed == self._last:
            os.write(self._out, json.dumps({"died": code.co_qualname}).encode())
            os.kill(os.getpid(), signal.SIGKILL)


type Work = Callable[[str, Countdown], None]


def enqueue(key: str, countdown: Countdown) -> None:
    """A transaction that writes a row of its own and enqueues a task, its commit, and the NOTIFY after it."""

    async def work() -> None:
        async with connected() as application:
            with countdown:
                async with application.database.unit_of_work() as session:
                    await session.execute(text("INSERT INTO asked (key) VALUES (:key)"), {"key": key})
                    await probe.tasks.note.enqueue(session, key=key)
                await application.waker.flush()

    asyncio.run(work())


def publish(key: str, countdown: Countdown) -> None:
    """A relay, from its first claim on, until it is told to end: when the task's row is claimed."""
    sys.argv = ["relay"]
    countdown.start, countdown.end = "Outbox.claim", "Relay.stop"
    with countdown:
        relay.main()


def run(key: str, countdown: Countdown) -> None:
    """What a worker's child does with a message: lock, effect, done, commit."""

    async def work() -> None:
        async with connected() as application:
            task_id = await _ask(application, "SELECT id FROM seamark.task WHERE args->>'key' = $1", key)
            with countdown:
                await Runner(application, "crashing").run(UUID(str(task_id)))

    asyncio.run(work())


WORKS: dict[str, Work] = {"enqueue": enqueue, "publish": publish, "run": run}


@asynccontextmanager
async def connected() -> AsyncIterator[Application]:
    settings = load(Settings).model_copy(update={"database_pool_size": 2})
    application = connect(settings, (probe.module,), "crashing")
    try:
        # Both dialled before the work begins, as in any process but a new one.
        await asyncio.gather(*(_ask(application, "SELECT pg_sleep(0.01)") for _ in range(2)))
        yield application
    finally:
        await application.close()


async def _ask(application: Application, statement: str, *values: str) -> Any:
    async with application.database.driver_connection() as connection:
        return await connection.fetchval(statement, *values)


async def end_once_claimed(relay_pid: int, key: str) -> None:
    """In a child of the relay's, which may be killed before."""
    statement = "SELECT publications FROM seamark.task WHERE args->>'key' = $1"
    async with connected() as application:
        while os.getppid() == relay_pid:
            if await _ask(application, statement, key):
                os.kill(relay_pid, signal.SIGTERM)
                return
            await asyncio.sleep(0.01)


def work_once(name: str, key: str, last: int) -> dict[str, Any]:
    """Fork, work, and say how it ended: ``{"died": where}``, or ``{"passed": entries}`` when it came to its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        work(name, key, Countdown(last, writing))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        ended: dict[str, Any] = json.loads(pipe.read())
    _, status = os.waitpid(pid, 0)
    assert ("died" in ended) == os.WIFSIGNALED(status), (ended, status)
    return ended


def work(name: str, key: str, countdown: Countdown) -> None:
    if name != "publish":
        WORKS[name](key, countdown)
        return
    pid = os.getpid()
    teller = os.fork()
    if not teller:
        asyncio.run(end_once_claimed(pid, key))
        os._exit(0)
    publish(key, countdown)
    os.waitpid(teller, 0)


def main(name: str, points: int) -> None:
    def prepared(key: str) -> str:
        if name != "enqueue":
            work_once("enqueue", key, 0)
        return key

    # In this process, so that its copies have nothing to import and to compile any more.
    with Path(os.devnull).open("wb") as nothing:
        work(name, prepared(f"{name} first"), Countdown(0, nothing.fileno()))
    total = work_once(name, prepared(f"{name} whole"), 0)["passed"]
    assert total > points, "the work was not found"
    for number in range(points):
        key, last = f"{name} {number}", 1 + (2 * number + 1) * total // (2 * points)
        print(json.dumps({"key": key, "point": last, "of": total, **work_once(name, prepared(key), last)}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
