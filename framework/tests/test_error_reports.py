"""Unhandled errors are handed over beside the request: whatever the reporter does, nobody is answered later for it."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.checks import all_checks, run_checks
from framework.error_reports import ErrorReport
from framework.error_reports.reporter import MOST_WAITING
from framework.policies import policy, public
from framework.routing import Router
from prometheus_client import REGISTRY

CANARY = "canary-7f3a9c"
router = Router("alpha")


@router.post("/break/{id}")
@policy(public, idempotent=True)
async def break_it(id: int) -> None:  # noqa: A002 - of the path
    local = CANARY
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise RuntimeError(f"of {id}, with {len(local)} characters") from error


@router.get("/refuse")
@policy(public)
async def refuse() -> None:
    raise TimeoutError


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("seamark_error_reports_total", {"outcome": outcome}) or 0


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module ``tracker`` whose ``report`` keeps what it is handed in ``heard``."""
    module: Any = ModuleType("tracker")
    module.heard = []
    module.report = module.heard.append
    monkeypatch.setitem(sys.modules, "tracker", module)
    return module


@pytest.fixture
def client(
    build: Callable[..., FastAPI], browse: Callable[[FastAPI], httpx.AsyncClient], tracker: Any
) -> httpx.AsyncClient:
    return browse(build(router, error_reporter="tracker:report"))


async def break_(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(
        "/api/alpha/break/7?token=canary-7f3a9c",
        json={"password": CANARY},
        headers={"authorization": f"Bearer {CANARY}", "x-correlation-id": "aabbccdd11223344"},
    )


async def test_says_where_it_came_about_and_nothing_of_what_was_sent(
    client: httpx.AsyncClient, tracker: Any, wait_until: Callable[..., Awaitable[None]]
) -> None:
    assert (await break_(client)).status_code == 500
    await wait_until(lambda: tracker.heard)
    (report,) = tracker.heard
    assert isinstance(report, ErrorReport)
    assert (report.kind, report.name, report.module) == ("request", "POST /api/alpha/break/{id}", "alpha")
    assert (report.correlation_id, report.environment) == ("aabbccdd11223344", "test")
    assert report.release
    assert [link.type for link in report.chain] == ["KeyError", "RuntimeError"]
    assert report.error.message == "of 7, with 13 characters"
    assert (report.error.frames[-1].function, report.error.frames[-1].file) == ("break_it", __file__)
    assert report.error.frames[-1].code.startswith("raise RuntimeError(")
    assert CANARY not in repr(asdict(report)).replace("local = CANARY", "")


async def test_what_is_not_a_fault_of_ours_is_not_reported(
    client: httpx.AsyncClient, tracker: Any, wait_until: Callable[..., Awaitable[None]]
) -> None:
    await client.get("/api/alpha/nothing")
    await client.post("/api/alpha/break/seven")
    await break_(client)
    await wait_until(lambda: tracker.heard)
    assert [report.name for report in tracker.heard] == ["POST /api/alpha/break/{id}"]


async def test_a_reporter_that_raises_costs_nobody_anything(
    client: httpx.AsyncClient, tracker: Any, wait_until: Callable[..., Awaitable[None]]
) -> None:
    def raises(_: ErrorReport) -> None:
        raise OSError("no tracker")

    tracker.report = raises
    failed = counted("failed")
    for _ in range(2):
        assert (await break_(client)).json()["code"] == "internal_error"
    await wait_until(lambda: counted("failed") == failed + 2)


async def test_one_that_hangs_delays_nobody_and_the_rest_is_dropped_and_counted(
    client: httpx.AsyncClient, tracker: Any, wait_until: Callable[..., Awaitable[None]]
) -> None:
    go_on, hangs = threading.Event(), threading.Event()

    def hang(_: ErrorReport) -> None:
        hangs.set()
        go_on.wait()

    tracker.report = hang
    dropped, sent = counted("dropped"), counted("sent")
    await break_(client)
    await wait_until(hangs.is_set)
    async with asyncio.timeout(30):
        for _ in range(MOST_WAITING + 5):
            assert (await break_(client)).status_code == 500
    assert counted("dropped") == dropped + 5
    go_on.set()
    await wait_until(lambda: counted("sent") == sent + MOST_WAITING + 1)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("tracker", "must be package.module:function"),
        ("tracker:nothing", "tracker has no nothing"),
        ("no_such_package:report", "importing no_such_package raised ModuleNotFoundError"),
        ("tracker:heard", "tracker:heard cannot be called"),
        ("asyncio:sleep", "asyncio:sleep is async"),
    ],
)
async def test_one_that_cannot_be_called_is_refused_at_boot(
    build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application], tracker: Any, named: str, said: str
) -> None:
    application = application_of(build(error_reporter=named))
    report = await run_checks(application, all_checks(application), static_only=True)
    [finding] = [finding for finding in report.findings if finding.code == "SM001"]
    assert finding.message.startswith(f"SM_ERROR_REPORTER is invalid: {said}")
