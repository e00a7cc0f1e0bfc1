"""``python -m background_tasks.relay``: publishes due rows of the outbox to the broker. Any number may run.

Knows no module: it hands on names. A worker's parent runs one beside it (``worker.supervision``), which also writes the
worker's row and finds tasks that do not let themselves be cancelled; ``sm relay`` runs one alone.
"""

import argparse
import asyncio
import os
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import structlog
from celery import Celery
from framework.correlation import new_correlation_id, set_correlation_id
from framework.database import Database
from framework.findings import BootError
from framework.logging import configure
from framework.metrics.exporter import exported
from framework.settings import Settings, load, settings_of
from framework.tasks.wake import CHANNEL
from prometheus_client import Counter

from background_tasks.broker import configuration
from background_tasks.gauges import gauges
from background_tasks.relay.backoff import LONGEST, backoff
from background_tasks.relay.hard_cancel import HardCancel
from background_tasks.relay.outbox import Outbox
from background_tasks.relay.parent import Parent
from background_tasks.relay.publisher import BrokerUnreachableError, Publisher
from background_tasks.relay.samples import Samples
from background_tasks.relay.sweep import Sweep
from background_tasks.relay.waiting_report import WaitingReport
from background_tasks.relay.worker_row import WorkerRow
from background_tasks.settings import BackgroundTasksSettings

if TYPE_CHECKING:
    from asyncpg import Connection, Record

log = structlog.get_logger()
PUBLISHED = Counter("seamark_relay_published", "Messages handed to the broker; a task may need several.", ["queue"])
INTERRUPTIONS = Counter("seamark_relay_interruptions", "Times that a relay lost Postgres or could not reach it.")
BATCH = 500
# After a round that published: under load the next finds many rows instead of one.
PAUSE = 0.005
# After a round that found a queue full; twice as long, unless it is woken, each time that the next finds it full, too.
FULL_PAUSE = 0.05
# The parent believes for seconds what it was told of its queues, and a cancelled task is to end in time.
LONGEST_LULL = 1.0
# A Postgres that has not answered for so long is dialled anew.
SILENCE = 15.0


class Chore(Protocol):
    """Done between two rounds, on the same connection; it knows itself when its time has come."""

    async def look(self, connection: "Connection[Record]") -> None: ...


class Relay:
    """With a ``parent`` where it runs beside a worker."""

    def __init__(self, settings: Settings, own: BackgroundTasksSettings, parent: Parent | None = None) -> None:
        app = Celery("relay", set_as_current=False)
        app.conf.update(configuration(settings))
        self.publisher = Publisher(app)
        if settings.database_direct_url is not None:
            direct = {"database_url": settings.database_direct_url, "database_pgbouncer": False}
            settings = settings.model_copy(update=direct)
        # PgBouncer in transaction mode gives nobody a connection of his own: then it polls.
        self._has_own_connection = not settings.database_pgbouncer
        self._database = Database(settings, "relay", pool_size=1)
        self._own = own
        self._horizon = timedelta(seconds=own.poll)
        self._full_pause = FULL_PAUSE
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._worker_row = None if parent is None else WorkerRow(parent)
        self._chores: list[Chore] = [Samples(self.publisher), Sweep()]
        if parent is not None and self._worker_row is not None:
            grace = timedelta(seconds=own.cancel_grace)
            self._chores += [self._worker_row, HardCancel(parent, grace), WaitingReport(parent, self.publisher)]

    def stop(self) -> None:
        """After the round that runs: what is claimed and not published would wait until it is published again."""
        self._stopped.set()
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                # Outside the connection, so that one that no longer answers is dropped and not asked to close.
                async with asyncio.timeout(SILENCE) as limit, self._database.driver_connection() as connection:
                    if self._has_own_connection:
                        # What a crash of Postgres makes it forget is published twice, which is harmless.
                        await connection.execute("SET synchronous_commit = off")
                        await connection.add_listener(CHANNEL, lambda *_: self.wake())
                    log.info("relay ready")
                    failures = 0
                    await self._serve(connection, limit)
            except Exception as error:  # noqa: BLE001 - a connection can end in any call, and in many ways
                failures += 1
                INTERRUPTIONS.inc()
                log.warning("relay interrupted, trying again", error=repr(error), failures=failures)
                await self._database.close()
                await _wait(self._stopped, backoff(failures))
        await self._database.close()
        self.publisher.close()

    async def _serve(self, connection: "Connection[Record]", limit: asyncio.Timeout) -> None:
        outbox = Outbox(connection, timedelta(seconds=self._own.republish_after))
        now = asyncio.get_running_loop().time
        while not self._stopped.is_set():
            limit.reschedule(now() + SILENCE)
            self._woken.clear()
            for chore in self._chores:
                await chore.look(connection)
            try:
                least, most = await self._round(outbox)
            except BrokerUnreachableError:
                least = most = self.publisher.rest
            limit.reschedule(None)
            # Beside a worker not everything comes from Postgres, however seldom that is looked at.
            most = most if self._worker_row is None else min(most, LONGEST_LULL)
            await _wait(self._stopped, least)
            await _wait(self._woken, most - least)
        if self._worker_row is not None:
            limit.reschedule(now() + SILENCE)
            await self._worker_row.end(connection)

    async def _round(self, outbox: Outbox) -> tuple[float, float]:
        """Publish what is due and has room in the broker. Returns the seconds to pause: woken, and not woken.

        Each queue and priority gets a batch a round, the most urgent first. What is less urgent takes no room from what
        is more urgent, so with a full broker that goes out at once.
        """
        heads = await outbox.heads(self._horizon)
        due = [head for head in heads if head.due_in <= 0]
        depths = self.publisher.depths({head.queue for head in due})
        published = full = False
        for head in due:
            depth = depths[head.queue]
            room = self._own.queue_depth - sum(depth[: head.priority + 1])
            # A quarter at a time: to top up after every few tasks would cost as much as to run them.
            enough = room > self._own.queue_depth // 4
            tasks = await outbox.claim(head.queue, head.priority, min(room, BATCH)) if enough else []
            if tasks:
                await self._publish(outbox, head.queue, head.priority, tasks)
                depth[head.priority] += len(tasks)
            published = published or bool(tasks)
            full = full or not enough
        if full and not published:
            self._full_pause = min(2 * self._full_pause, self._own.poll)
            return FULL_PAUSE, self._full_pause
        self._full_pause = FULL_PAUSE
        if published:
            return PAUSE, PAUSE
        return 0, min([head.due_in for head in heads if head.due_in > 0], default=self._own.poll)

    async def _publish(self, outbox: Outbox, queue: str, priority: int, tasks: list[tuple[UUID, str]]) -> None:
        # Claimed and committed first: a worker that were faster than the commit would find the row locked, and leave it.
        try:
            self.publisher.publish(queue, priority, tasks)
        except BrokerUnreachableError:
            await outbox.give_back(tasks)
            raise
        PUBLISHED.labels(queue).inc(len(tasks))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _run(settings: Settings, own: BackgroundTasksSettings, parent: Parent | None) -> None:
    relay = Relay(settings, own, parent)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, relay.stop)

    def leave() -> None:
        # If Postgres or the broker hang just now, nobody waits for them.
        loop.call_later(LONGEST, os._exit, 0)
        relay.stop()

    if parent is not None:
        parent.listen(heard=relay.wake, gone=leave)
    await relay.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m background_tasks.relay", description=__doc__)
    parser.add_argument(
        "--worker",
        action="store_true",
        help="speak with a worker's parent by standard input and output (background_tasks.relay.protocol), and end with it",
    )
    arguments = parser.parse_args()
    try:
        settings, own = load(Settings), settings_of(BackgroundTasksSettings)
    except BootError as error:
        raise SystemExit(str(error)) from None
    # Beside a worker, standard output is for what the parent is told.
    configure(settings.log_format, settings.log_level, "relay", stream=sys.stderr if arguments.worker else None)
    set_correlation_id(new_correlation_id())
    parent = Parent(sys.stdin.fileno(), sys.stdout.fileno()) if arguments.worker else None
    # It knows no module, and so not their gauges: beside a worker, the worker's processes hold the port.
    with exported(settings, "relay", gauges, serves=parent is None):
        asyncio.run(_run(settings, own, parent))
