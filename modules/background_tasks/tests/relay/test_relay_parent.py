"""Beside a worker, a relay makes the worker be seen, tells it how much waits, and has it kill what does not let go."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from background_tasks.relay.parent import Parent
from background_tasks.relay.protocol import (
    KillChild,
    Lines,
    Message,
    SignOfLife,
    WaitingMessages,
    WorkerIdentity,
    encode,
)
from background_tasks.relay.relay import Relay
from background_tasks.worker.supervision import BELIEVED_FOR
from framework.application import Application

Row = Callable[[UUID], Awaitable[dict[str, Any]]]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
AddRows = Callable[..., Awaitable[list[UUID]]]

WORKER = WorkerIdentity("celery@here", ("default", "mail"), ("mail.send", "probe.nothing"), 4, "2026.1")


class Worker:
    """The other end of the pipes."""

    def __init__(self, writes_to: int, reads_from: int) -> None:
        self._writes_to = writes_to
        self._reads_from = reads_from
        self._lines = Lines()
        self._heard: list[Message] = []
        os.set_blocking(reads_from, False)

    def says(self, message: Message) -> None:
        os.write(self._writes_to, encode(message))

    def goes(self) -> None:
        os.close(self._writes_to)

    async def hears(self) -> list[Message]:
        """Everything so far."""
        try:
            while piece := os.read(self._reads_from, 65536):
                self._heard += self._lines.feed(piece)
        except BlockingIOError:
            pass
        return self._heard


@pytest.fixture
def beside(
    relaying: Callable[..., AbstractAsyncContextManager[Relay]],
) -> Callable[..., AbstractAsyncContextManager[Worker]]:
    """``async with beside(cancel_grace=…) as worker``: a relay that has heard of its worker."""

    @asynccontextmanager
    async def run(**own: Any) -> AsyncIterator[Worker]:
        (relay_reads, worker_writes), (worker_reads, relay_writes) = os.pipe(), os.pipe()
        parent, worker = Parent(relay_reads, relay_writes), Worker(worker_writes, worker_reads)
        worker.says(WORKER)
        async with relaying(parent=parent, **own) as relay:
            parent.listen(heard=relay.wake, gone=relay.stop)
            yield worker
        asyncio.get_running_loop().remove_reader(relay_reads)
        for end in (relay_reads, relay_writes, worker_reads, worker_writes):
            with suppress(OSError):  # that one has gone
                os.close(end)

    return run


Beside = Callable[..., AbstractAsyncContextManager[Worker]]
WorkerRow = Callable[[], Awaitable[dict[str, Any] | None]]


@pytest.fixture
def worker_row(application: Application) -> WorkerRow:
    async def read() -> dict[str, Any] | None:
        async with application.database.driver_connection() as connection:
            found = await connection.fetchrow("SELECT * FROM seamark.task_worker")
        return None if found is None else dict(found)

    return read


async def test_its_worker_is_seen_with_what_it_runs(
    beside: Beside, worker_row: WorkerRow, eventually: Eventually
) -> None:
    async with beside():
        seen = await eventually(worker_row)
    assert (seen["name"], seen["queues"], seen["concurrency"]) == ("celery@here", ["default", "mail"], 4)
    assert (seen["tasks"], seen["release"], seen["stopping"]) == (["mail.send", "probe.nothing"], "2026.1", False)


async def test_a_worker_that_was_told_to_stop_leaves_no_row(
    beside: Beside, worker_row: WorkerRow, eventually: Eventually
) -> None:
    async def stopping() -> bool:
        row = await worker_row()
        return row is not None and row["stopping"]

    async with beside() as worker:
        await eventually(worker_row)
        worker.says(SignOfLife(running={}, stopping=True))
        await eventually(stopping)
        worker.goes()
    assert await worker_row() is None


async def test_a_worker_that_just_went_away_is_seen_as_lost(
    beside: Beside, worker_row: WorkerRow, eventually: Eventually
) -> None:
    async with beside() as worker:
        await eventually(worker_row)
        worker.goes()
    assert await worker_row() is not None


async def test_it_tells_how_much_waits_for_the_worker(
    application: Application, beside: Beside, add_rows: AddRows, eventually: Eventually
) -> None:
    await add_rows(2, priority="number - 1")
    await add_rows(3, queue="'mail'")
    await add_rows(4, queue="'anothers'")

    async with beside() as worker:

        async def told() -> bool:
            return WaitingMessages(5) in await worker.hears()

        await eventually(told)


async def test_it_tells_so_however_seldom_it_looks_into_the_outbox(beside: Beside, eventually: Eventually) -> None:
    async with beside(poll=10) as worker:

        async def again() -> bool:
            return sum(isinstance(message, WaitingMessages) for message in await worker.hears()) > 1

        # Before its parent would no longer believe what it was told.
        async with asyncio.timeout(BELIEVED_FOR):
            await eventually(again)


class TestHardCancel:
    @pytest.fixture
    def begin(self, application: Application) -> Callable[..., Awaitable[None]]:
        """A task's signal as of one that has run and been cancelled for so long."""

        async def begin(task_id: UUID, *, runs_for: float, cancelled_for: float | None) -> None:
            async with application.database.driver_connection() as connection:
                await connection.execute(
                    """
                    INSERT INTO seamark.task_signal
                        (task_id, attempt, worker, started_at, heartbeat_at, cancel_requested, cancel_requested_at)
                    VALUES ($1, 1, 'here:1', now() - $2 * interval '1 s', now(), $3::float IS NOT NULL,
                        now() - $3 * interval '1 s')
                    """,
                    task_id,
                    runs_for,
                    cancelled_for,
                )

        return begin

    async def test_a_task_that_holds_on_has_its_process_killed_and_is_published_at_once(
        self,
        application: Application,
        beside: Beside,
        add_rows: AddRows,
        begin: Callable[..., Awaitable[None]],
        row: Row,
        eventually: Eventually,
    ) -> None:
        [task_id] = await add_rows(publish_at="now() + interval '1 h'")
        await begin(task_id, runs_for=100, cancelled_for=11)

        async with beside(cancel_grace=10) as worker:

            async def killed() -> bool:
                return KillChild(41, str(task_id)) in await worker.hears()

            async def published() -> bool:
                return bool((await row(task_id))["publications"])

            async with application.database.driver_connection() as connection, connection.transaction():
                await connection.execute("SELECT FROM seamark.task WHERE id = $1 FOR UPDATE", task_id)
                worker.says(SignOfLife(running={str(task_id): 41}))
                await eventually(killed)
            worker.says(SignOfLife(running={}))
            await eventually(published)

    @pytest.mark.parametrize(("runs_for", "cancelled_for"), [(100, 2), (2, 100), (100, None)])
    async def test_others_are_left_alone(
        self,
        beside: Beside,
        add_rows: AddRows,
        begin: Callable[..., Awaitable[None]],
        eventually: Eventually,
        runs_for: float,
        cancelled_for: float | None,
    ) -> None:
        spared, killed = await add_rows(2, publish_at="now() + interval '1 h'")
        await begin(spared, runs_for=runs_for, cancelled_for=cancelled_for)
        await begin(killed, runs_for=100, cancelled_for=100)
        async with beside(cancel_grace=10) as worker:
            worker.says(SignOfLife(running={str(spared): 41, str(killed): 42}))

            async def kills() -> list[Message]:
                return [message for message in await worker.hears() if isinstance(message, KillChild)]

            assert {kill.pid for kill in await eventually(kills)} == {42}
