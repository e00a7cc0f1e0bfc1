"""A worker dials a lost broker again within seconds, and what the lost connection leaves behind does not end it."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from background_tasks.worker.consumer import LONGEST_PAUSE, Consumer
from celery.exceptions import WorkerShutdown
from celery.worker import state
from framework.settings import Settings
from kombu import Connection
from kombu.log import get_logger
from redis.exceptions import ConnectionError as RedisConnectionError


class EnoughError(Exception):
    """In place of trying on."""


def make_consumer(connection: Any = None, waits: Any = lambda: None) -> Any:
    """One whose loop does at once what it is given, and that has no children."""
    consumer: Any = object.__new__(Consumer)
    conf = SimpleNamespace(
        worker_cancel_long_running_tasks_on_connection_loss=False, worker_enable_prefetch_count_reduction=False
    )
    consumer.app = SimpleNamespace(conf=conf, worker=SimpleNamespace(unknown=0, waits_for_broker=waits))
    consumer.hub = SimpleNamespace(call_soon=lambda call: call())
    consumer.pool = None
    consumer.connection = connection
    consumer.connection_errors = (RedisConnectionError,)
    return consumer


@pytest.fixture
def connection(settings: Settings) -> Iterator[Any]:
    connection = Connection(settings.redis_url.get_secret_value(), transport_options={"global_keyprefix": "test:"})
    yield connection
    connection.release()


@pytest.fixture
def message(connection: Any, clean: None) -> Any:
    """Taken over ``connection``, and not answered yet."""
    queue = connection.SimpleQueue("q")
    queue.put({})
    return queue.get(timeout=5)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def unanswered(settings: Settings) -> int:
    with Connection(settings.redis_url.get_secret_value()) as other:
        count: int = other.default_channel.client.hlen("test:unacked")
        return count


def acknowledge(consumer: Any, message: Any) -> None:
    consumer.call_soon_ack(message.ack_log_error, get_logger(__name__), consumer.connection_errors)


def test_a_message_is_acknowledged(connection: Any, message: Any, settings: Settings) -> None:
    assert unanswered(settings) == 1
    acknowledge(make_consumer(connection), message)
    assert unanswered(settings) == 0


def test_one_whose_connection_is_gone_is_left_to_the_broker(connection: Any, message: Any) -> None:
    """kombu would raise an AttributeError out of the loop, and Celery would end the worker."""
    connection.collect()
    acknowledge(make_consumer(connection), message)
    assert not message.acknowledged


def test_a_connection_that_cannot_be_closed_is_forgotten(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = make_consumer(connection)
    connection.connect()
    monkeypatch.setattr(connection, "close", lambda: connection.transport.client.hostname.nothing)
    consumer.on_connection_error_after_connected(RedisConnectionError("gone"))
    assert consumer.connection is None


def test_what_it_holds_is_not_given_back_over_it(connection: Any, message: Any, settings: Settings) -> None:
    """What runs goes on, and its row is locked; to a broker that hangs or has gone, giving back takes long or fails."""
    make_consumer(connection).on_connection_error_after_connected(RedisConnectionError("reset by peer"))
    assert unanswered(settings) == 1


def test_a_broker_that_is_away_is_dialled_every_two_seconds(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    waits = 0

    def sleep(seconds: float) -> None:
        pauses.append(seconds)

    def wait() -> None:
        nonlocal waits
        waits += 1
        if waits == 50:
            raise EnoughError

    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    connection = Connection(f"redis://127.0.0.1:{closed_port}/0")
    with pytest.raises(EnoughError):
        make_consumer(waits=wait).ensure_connected(connection)
    # One sign of life for each attempt, and one for each second between them.
    attempts = waits - len([pause for pause in pauses if pause])
    assert attempts >= 15
    assert max(pauses) <= 1.0 < LONGEST_PAUSE
    assert sum(pauses) / attempts <= LONGEST_PAUSE


def test_while_it_waits_it_still_listens_to_whoever_tells_it_to_end(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "should_stop", 0)
    with pytest.raises(WorkerShutdown):
        make_consumer().ensure_connected(Connection(f"redis://127.0.0.1:{closed_port}/0"))


def test_a_task_that_it_does_not_know_is_taken_from_the_broker_and_counted(
    connection: Any, message: Any, settings: Settings
) -> None:
    consumer = make_consumer(connection)
    consumer.on_unknown_task(None, message, KeyError("newer.task"))
    assert unanswered(settings) == 0
    assert consumer.app.worker.unknown == 1
