"""The embedded Valkey."""

from pathlib import Path

import psutil
import pytest
from framework.embedded import EmbeddedValkey
from redis import AuthenticationError, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@pytest.fixture
def valkey(home: Path) -> EmbeddedValkey:
    return EmbeddedValkey(home / "valkey")


def test_answers_at_its_address(valkey: EmbeddedValkey) -> None:
    with valkey, Redis.from_url(valkey.url()) as client:
        client.set("greeting", "hello")
        assert client.get("greeting") == b"hello"


def test_wants_the_password_and_shows_it_to_nobody(valkey: EmbeddedValkey) -> None:
    with valkey:
        assert valkey.identity.password not in " ".join(psutil.Process(valkey.pid).cmdline())
        with Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()


def test_forgets_at_every_start_and_keeps_its_address(valkey: EmbeddedValkey) -> None:
    with valkey, Redis.from_url(valkey.url()) as client:
        client.set("greeting", "hello")
        address = valkey.url()
    with valkey, Redis.from_url(valkey.url()) as client:
        assert valkey.url() == address
        assert client.get("greeting") is None
