"""What a process counts is there for whoever watches it, and for nobody else."""

import re
from collections.abc import Awaitable, Callable
from random import Random
from string import ascii_lowercase

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

type SignedIn = Callable[..., Awaitable[httpx.AsyncClient]]

OF_THE_CLIENT_LIBRARY = ("process_", "python_")
LABELS = {"check", "host", "kind", "method", "module", "name", "outcome", "python", "queue", "reason", "revision"}
LABELS |= {"route", "rule", "state", "status", "task", "to", "version"}
"""What a metric may be divided by: each has few values, which code or settings name."""
OPEN_METRICS = "application/openmetrics-text"


@pytest.fixture
async def monitor(signed_in_client: SignedIn) -> httpx.AsyncClient:
    return await signed_in_client(permissions=("admin.health.view",))


async def test_they_are_for_those_with_the_permission(client: httpx.AsyncClient, signed_in_client: SignedIn) -> None:
    anybody, somebody = await client.get("/admin/metrics"), await (await signed_in_client()).get("/admin/metrics")
    assert (anybody.status_code, anybody.json()["code"]) == (401, "auth.sign_in_required")
    assert (somebody.status_code, somebody.json()["code"]) == (403, "auth.forbidden")


async def test_they_are_what_prometheus_reads(monitor: httpx.AsyncClient) -> None:
    answer = await monitor.get("/admin/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert "process_resident_memory_bytes" in names
    assert any(name.startswith("seamark_") for name in names)


async def test_they_are_open_metrics_for_who_asks_for_that(monitor: httpx.AsyncClient) -> None:
    answer = await monitor.get("/admin/metrics", headers={"accept": f"{OPEN_METRICS};version=1.0.0,text/plain;q=0.5"})
    assert answer.headers["content-type"].startswith(OPEN_METRICS)
    assert answer.text.endswith("# EOF\n")


def test_each_has_our_name_and_a_description(app: FastAPI) -> None:
    ours = [family for family in REGISTRY.collect() if not family.name.startswith(OF_THE_CLIENT_LIBRARY)]
    assert ours
    for family in ours:
        assert re.fullmatch(r"seamark_[a-z_]+", family.name), family.name
        assert family.documentation, family.name


def test_each_is_divided_by_what_takes_few_values(app: FastAPI) -> None:
    # Asked of the metrics themselves: what is collected names only labels of what has been counted.
    metrics = [metric for metric in REGISTRY._collector_to_names if isinstance(metric, MetricWrapperBase)]
    assert len(metrics) > 10
    for metric in metrics:
        assert set(metric._labelnames) <= LABELS, metric


def _series() -> set[str]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}"
        for family in REGISTRY.collect()
        if family.name.startswith("seamark_http_")
        for sample in family.samples
    }


async def test_what_clients_write_makes_no_series(app: FastAPI, client: httpx.AsyncClient) -> None:
    chance = Random(1)

    def word() -> str:
        return "".join(chance.choices(ascii_lowercase, k=12))

    async def ask(method: str, path: str) -> None:
        headers = {"host": f"{word()}.example", "x-correlation-id": f"{word()}-{word()}", "user-agent": word()}
        await client.request(method, path, headers=headers)

    known = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    paths = (
        "/{}",
        "/{}/{}",
        "/api/{}",
        "/api/{}/{}",
        "/api/contacts/{}",
        "/contacts/{}",
        "/build/{}",
        "/health?{}",
        "/api/app/{}",
    )
    # Every method at every kind of address, once: what can be there, is.
    for method in (*known, word().upper()):
        for path in paths:
            await ask(method, path.replace("{}", word()))
    before = _series()
    for number in range(1000):
        method = word().upper() if number % 3 == 0 else chance.choice(known)
        await ask(method, chance.choice(paths).format(word(), word()))
    assert _series() == before
    counted = "seamark_http_requests_total", {"module": "seamark", "method": "other", "route": "none", "status": "4xx"}
    assert (REGISTRY.get_sample_value(*counted) or 0) > 300


async def test_an_address_below_is_a_problem_and_never_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/admin/metrics/", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
