"""What can be seen of calls from outside: counts with bounded labels, and log lines without secrets."""

import logging
from typing import Any

import pytest
import structlog
from framework.logging import configure
from framework.outgoing import ForbiddenAddress, Unavailable
from host.testing.service import answer, hang_up
from prometheus_client import REGISTRY

from .conftest import Client, Start, drip


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_calls_are_counted_by_host_and_outcome(client: Client, start: Start) -> None:
    service = await start(answer(503), answer(404), hang_up)
    http = client(service, named=frozenset({service.address}))
    assert (await http.request("GET", service.url)).status_code == 404
    with pytest.raises(Unavailable):
        await http.request("POST", service.url)
    host = service.address
    for outcome in ("5xx", "4xx", "unavailable"):
        assert counted("seamark_outgoing_calls_total", host=host, outcome=outcome) == 1
    assert counted("seamark_outgoing_retries_total", host=host) == 1
    assert counted("seamark_outgoing_seconds_count", host=host) == 3


async def test_a_stream_has_answered_once_it_begins(client: Client, start: Start) -> None:
    """It may last for hours, and for as long as that its host's circuit breaker would hear nothing."""
    service = await start(drip(b"x"))
    http = client(service, named=frozenset({service.address}))
    async with http.stream("GET", service.url):
        assert counted("seamark_outgoing_calls_total", host=service.address, outcome="2xx") == 1
    assert counted("seamark_outgoing_calls_total", host=service.address, outcome="2xx") == 1


async def test_hosts_that_nobody_declared_share_a_name(client: Client, start: Start) -> None:
    before = counted("seamark_outgoing_calls_total", host="other", outcome="2xx")
    service = await start()
    await client(service).request("GET", service.url)
    assert counted("seamark_outgoing_calls_total", host="other", outcome="2xx") == before + 1
    assert counted("seamark_outgoing_calls_total", host=service.address, outcome="2xx") == 0


async def test_a_url_is_never_logged(
    client: Client, start: Start, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Some services are given their keys there."""
    service = await start(answer(200), hang_up)
    http = client(service)
    with caplog.at_level(logging.DEBUG):
        # As in a process of ours, at its most talkative.
        configure_libraries()
        await http.request("GET", f"{service.url}/hooks/secret?key=secret")
        with pytest.raises(Unavailable):
            await http.request("POST", f"{service.url}/hooks/secret?key=secret", headers={"x-api-key": "secret"})
        with pytest.raises(ForbiddenAddress):
            await http.request("POST", "http://10.0.0.1/hooks/secret?key=secret")
    failures = [entry for entry in logged if entry["event"] == "outgoing call failed"]
    assert [(entry["host"], entry["code"]) for entry in failures] == [
        (service.address, "outgoing.unavailable"),
        ("10.0.0.1", "outgoing.forbidden_address"),
    ]
    assert "secret" not in repr(logged)
    assert "secret" not in caplog.text


def configure_libraries() -> None:
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    configure("console", "debug", "tests")
    logging.getLogger().handlers[:] = handlers
    structlog.configure(**before)
