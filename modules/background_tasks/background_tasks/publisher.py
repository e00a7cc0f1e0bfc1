"""Celery's messages, a batch in one round trip; ``send_task`` costs ten times as much."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.utils.json import dumps
from redis.exceptions import RedisError


class BrokerUnreachableError(Exception):
    """The broker did not answer. Nothing, something or all of a batch may have reached it."""


class Publisher:
    """Its calls raise ``BrokerUnreachableError`` after at most the broker's socket timeout; the next one dials anew."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None
        # kombu ships no types.
        self._channel: Any = None

    def depth(self, queue: str) -> int:
        """Messages that wait in ``queue``."""
        with self._open_channel() as channel:
            return int(channel.client.llen(queue))

    def publish(self, queue: str, tasks: Iterable[tuple[UUID, str]]) -> None:
        """Ids and names."""
        with self._open_channel() as channel, channel.client.pipeline(transaction=False) as pipeline:
            for task_id, name in tasks:
                pipeline.lpush(queue, self._message(channel, queue, str(task_id), name))
            pipeline.execute()

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.release()

    def _message(self, channel: Any, queue: str, task_id: str, name: str) -> str:
        task = self._app.amqp.as_task_v2(task_id, name, args=[task_id], argsrepr="", kwargsrepr="", ignore_result=True)
        properties = {"delivery_mode": 2, **task.properties}
        message = channel.prepare_message(dumps(task.body), 0, "application/json", "utf-8", task.headers, properties)
        channel._inplace_augment_message(message, "", queue)  # what `basic_publish` does before it writes
        return str(dumps(message))

    @contextmanager
    def _open_channel(self) -> Iterator[Any]:
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                self._connection.connect()
                self._channel = self._connection.channel()
            yield self._channel
        except (OSError, KombuError, RedisError) as error:
            self.close()
            raise BrokerUnreachableError(str(error)) from error
