"""A worker's way to its broker: one client for as long as its connections last."""

from collections.abc import Iterator
from typing import Any

import kombu.transport
import pytest
from background_tasks import transport
from background_tasks.broker import worker_configuration
from background_tasks.settings import BackgroundTasksSettings
from celery import Celery
from framework.settings import Settings
from kombu.transport import TRANSPORT_ALIASES


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a worker, which dials only afterwards: kombu keeps what it has found under a name."""
    monkeypatch.setattr(kombu.transport, "_transport_cache", {})
    before = dict(TRANSPORT_ALIASES)
    transport.install()
    yield
    TRANSPORT_ALIASES.update(before)


@pytest.fixture
def channel(settings: Settings) -> Iterator[Any]:
    """Of a worker as it is configured, on the real broker."""
    app = Celery("test", set_as_current=False)
    app.conf.update(worker_configuration(settings, BackgroundTasksSettings(), ["default"]))
    with app.connection_for_read() as connection:
        yield connection.channel()


def test_one_client_serves_all(channel: Any) -> None:
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
        assert first.set("client-test", "1")
        assert first.delete("client-test") == 1
    with channel.conn_or_acquire("given") as given:
        assert given == "given"


def test_another_once_its_connections_are_gone(channel: Any) -> None:
    with channel.conn_or_acquire() as before:
        pass
    channel._disconnect_pools()
    with channel.conn_or_acquire() as after:
        assert after is not before
        assert after.ping()


def test_it_speaks_tls_where_it_is_asked_to() -> None:
    connection = Celery("test", set_as_current=False).connection_for_read("rediss://broker.example/0")
    assert isinstance(connection.transport, transport.Transport)
    assert connection.ssl
