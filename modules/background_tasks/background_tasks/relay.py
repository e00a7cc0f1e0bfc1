"""``python -m background_tasks.relay``: publishes due rows of the outbox to the broker. Any number may run.

Knows no module: it hands on names. A worker's parent runs one beside it (``supervision``).
"""

import argparse
import asyncio
import os
import signal
import sys
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog
from celery import Celery
from framework.correlation import new_correlation_id, set_correlation_id
from framework.database import Database
from framework.findings import BootError
from framework.logging import configure
from framework.settings import Settings, load, settings_of
from framework.tasks.wake import CHANNEL

from background_tasks.broker import configuration
from background_tasks.outbox import Outbox
from background_tasks.publisher import BrokerUnreachableError, Publisher
from background_tasks.settings import BackgroundTasksSettings

log = structlog.get_logger()
BATCH = 500
# After a round that published: under load the next finds many rows instead of one.
PAUSE = 0.005
# After a round that found a queue full.
FULL_PAUSE = 0.05
LONGEST_BACKOFF = 5.0
HEARTBEAT = 5.0


class Relay:
    """``worker`` is the one whose heartbeat it passes on, where it runs beside one."""

    def __init__(self, settings: Settings, own: BackgroundTasksSettings, worker: str = "") -> None:
        app = Celery("relay", set_as_current=False)
        app.conf.update(configuration(settings))
        self._publisher = Publisher(app)
        if settings.database_direct_url is not None:
            direct = {"database_url": settings.database_direct_url, "database_pgbouncer": False}
            settings = settings.model_copy(update=direct)
        # PgBouncer in transaction mode gives nobody a connection of his own: then it polls.
        self._has_own_connection = not settings.database_pgbouncer
        self._database = Database(settings, "relay", pool_size=1)
        self._own = own
        self._worker = worker
        self.broker_failures = 0
        """In a row."""
        self._heard_at: float | None = None
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """After the round that runs: what is claimed and not published would wait for its lease."""
        self._stopped.set()
        self._woken.set()

    def hear(self) -> None:
        """The worker gave a sign of life."""
        self._heard_at = monotonic()

    async def run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                async with self._database.driver_connection() as connection:
                    if self._has_own_connection:
                        # What a crash of Postgres makes it forget is published twice, which is harmless.
                        await connection.execute("SET synchronous_commit = off")
                        await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
                    outbox = Outbox(connection, timedelta(seconds=self._own.republish_after))
                    log.info("relay ready")
                    failures = 0
                    await self._serve(outbox)
            except Exception as error:  # noqa: BLE001 - a connection can end in any call, and in many ways
                failures += 1
                log.warning("relay has no database, trying again", error=repr(error), failures=failures)
                await self._database.close()
                await _wait(self._stopped, _backoff(failures))
        await self._database.close()
        self._publisher.close()

    async def _serve(self, outbox: Outbox) -> None:
        passed_on_at = -HEARTBEAT
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                pause = await self._round(outbox)
                self.broker_failures = 0
            except BrokerUnreachableError as error:
                self.broker_failures += 1
                pause = _backoff(self.broker_failures)
                log.warning("relay has no broker, trying again", error=str(error), failures=self.broker_failures)
            if self._heard_at is not None and self._heard_at - passed_on_at >= HEARTBEAT:
                passed_on_at = self._heard_at
                await outbox.worker_seen(self._worker)
            await _wait(self._stopped if pause else self._woken, pause or self._own.poll)

    async def _round(self, outbox: Outbox) -> float:
        """Publish what is due and has room in the broker. Returns the seconds to pause, 0 when there is nothing more to do."""
        pause = 0.0
        for queue in await outbox.due_queues():
            room = self._own.queue_depth - self._publisher.depth(queue)
            tasks = await outbox.claim(queue, min(room, BATCH)) if room > 0 else []
            if tasks:
                await self._publish(outbox, queue, tasks)
            if tasks or room <= 0:
                pause = PAUSE if tasks else pause or FULL_PAUSE
        return pause

    async def _publish(self, outbox: Outbox, queue: str, tasks: list[tuple[UUID, str]]) -> None:
        # Claimed and committed first: a worker that were faster than the commit would find the row locked, and leave it.
        try:
            self._publisher.publish(queue, tasks)
        except BrokerUnreachableError:
            await outbox.give_back(tasks)
            raise


def _backoff(failures: int) -> float:
    return float(min(0.1 * 2**failures, LONGEST_BACKOFF))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _run(settings: Settings, own: BackgroundTasksSettings, worker: str) -> None:
    relay = Relay(settings, own, worker)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, relay.stop)

    def read_pipe() -> None:
        if os.read(sys.stdin.fileno(), 4096):
            relay.hear()
            return
        # The worker has gone, however it went. If Postgres or the broker hang just now, nobody waits for them.
        loop.remove_reader(sys.stdin)
        loop.call_later(LONGEST_BACKOFF, os._exit, 0)
        relay.stop()

    if worker:
        loop.add_reader(sys.stdin, read_pipe)
    await relay.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m background_tasks.relay", description=__doc__)
    parser.add_argument("--worker", default="", help="the worker that holds the other end of standard input")
    arguments = parser.parse_args()
    try:
        settings, own = load(Settings), settings_of(BackgroundTasksSettings)
    except BootError as error:
        raise SystemExit(str(error)) from None
    configure(settings.log_format, settings.log_level, "relay")
    set_correlation_id(new_correlation_id())
    asyncio.run(_run(settings, own, arguments.worker))


if __name__ == "__main__":
    main()
