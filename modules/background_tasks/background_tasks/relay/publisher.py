"""Celery's messages, a batch in one round trip; ``send_task`` costs ten times as much."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.utils.json import dumps
from redis.exceptions import RedisError

from background_tasks.relay.backoff import backoff

log = structlog.get_logger()


class BrokerUnreachableError(Exception):
    """The broker did not answer. Nothing, something or all of a batch may have reached it."""


class Publisher:
    """Its calls raise ``BrokerUnreachableError`` after at most the broker's socket timeout, and then, for a moment that
    grows from failure to failure, at once.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None
        # kombu ships no types.
        self._channel: Any = None
        self._failures = 0
        self._rests_until = 0.0

    @property
    def rest(self) -> float:
        """Seconds until it tries again; 0 where the last call succeeded."""
        return max(self._rests_until - monotonic(), 0)

    def depths(self, queues: Collection[str]) -> dict[str, list[int]]:
        """Messages that wait in each queue, by priority: the most urgent first."""
        if not queues:
            return {}
        with self._open_channel() as channel, channel.client.pipeline(transaction=False) as pipeline:
            steps = channel.priority_steps
            for queue in queues:
                for priority in steps:
                    pipeline.llen(channel._q_for_pri(queue, priority))
            counts = iter(pipeline.execute())
            return {queue: [int(next(counts)) for _ in steps] for queue in queues}

    def publish(self, queue: str, priority: int, tasks: Iterable[tuple[UUID, str]]) -> None:
        """Ids and names."""
        with self._open_channel() as channel, channel.client.pipeline(transaction=False) as pipeline:
            # The transport's own list for it: a worker takes from that of the most urgent first.
            key = channel._q_for_pri(queue, priority)
            for task_id, name in tasks:
                pipeline.lpush(key, self._message(channel, queue, priority, str(task_id), name))
            pipeline.execute()

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.release()

    def _message(self, channel: Any, queue: str, priority: int, task_id: str, name: str) -> str:
        task = self._app.amqp.as_task_v2(task_id, name, args=[task_id], argsrepr="", kwargsrepr="", ignore_result=True)
        properties = {"delivery_mode": 2, **task.properties}
        message = channel.prepare_message(
            dumps(task.body), priority, "application/json", "utf-8", task.headers, properties
        )
        channel._inplace_augment_message(message, "", queue)  # what `basic_publish` does before it writes
        return str(dumps(message))

    @contextmanager
    def _open_channel(self) -> Iterator[Any]:
        if self.rest:
            raise BrokerUnreachableError("it did not answer a moment ago")
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                # Once: kombu would sleep for seconds between two tries, and everything else here with it.
                self._connection.ensure_connection(max_retries=0)
                self._channel = self._connection.channel()
            yield self._channel
            self._failures = 0
        except (OSError, KombuError, RedisError) as error:
            self._failures += 1
            self._rests_until = monotonic() + backoff(self._failures)
            log.warning("no broker, trying again", error=str(error), failures=self._failures)
            self.close()
            raise BrokerUnreachableError(str(error)) from error
