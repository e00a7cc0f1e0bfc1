"""Checks run once for all who ask, each within its time; what went wrong is for the log only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from framework.application import Application, connect
from framework.health import HealthCheck, HealthResult, Unhealthy, overall
from framework.health import monitor as monitoring
from framework.health.monitor import Health
from framework.health.own import own_checks
from framework.module import Module
from framework.policies import policy, public
from framework.routing import Router
from framework.settings import Settings

from .conftest import NOWHERE

CANARY = "canary-7f3a9c"
type Observe = Callable[..., Health]
make: Callable[..., Settings] = Settings


async def fine(_: Application) -> None: ...


async def talkative(_: Application) -> str:
    return "3 messages wait"


async def broken(_: Application) -> None:
    raise ConnectionError(f"password {CANARY} refused")


async def stuck(_: Application) -> None:
    await asyncio.Event().wait()


class Switch:
    """A check that counts, and fails while it is off."""

    def __init__(self) -> None:
        self.runs = 0
        self.on = True

    async def __call__(self, _: Application) -> None:
        self.runs += 1
        await asyncio.sleep(0)
        if not self.on:
            raise Unhealthy("switched off")


@pytest.fixture
async def observe(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Observe]:
    """``observe(check, …)``: the health of an application whose module ``a`` has these checks; none of its own."""
    monkeypatch.setattr(monitoring, "own_checks", ())
    applications = []

    def observe(*checks: HealthCheck) -> Health:
        application = connect(make(**NOWHERE), (Module(name="a", label="A", health=checks),), "test")
        applications.append(application)
        return application.health

    yield observe
    for application in applications:
        await application.close()


def check(run: Callable[[Application], Awaitable[str | None]], name: str = "a.part", **options: Any) -> HealthCheck:
    return HealthCheck(name, run, "Something.", **{"cache": 0, **options})


def summary(results: Sequence[HealthResult]) -> dict[str, tuple[str, str]]:
    return {result.name: (result.status, result.remark) for result in results}


async def test_a_check_that_raises_fails_when_critical_and_degrades_when_not(observe: Observe) -> None:
    health = observe(check(broken, "a.critical", critical=True), check(broken, "a.other"), check(fine, "a.fine"))
    assert {name: status for name, (status, _) in summary(await health.results()).items()} == {
        "a.critical": "failed",
        "a.other": "degraded",
        "a.fine": "ok",
    }


async def test_what_it_raised_is_in_the_log_and_nowhere_else(observe: Observe, logged: list[dict[str, Any]]) -> None:
    (result,) = await observe(check(broken, critical=True)).results()
    assert CANARY not in repr(result)
    assert result.remark == "failed; the log of this process says why"
    (line,) = logged
    assert (line["check"], CANARY in line["error"]) == ("a.part", True)


async def test_a_remark_is_for_people(observe: Observe) -> None:
    assert summary(await observe(check(talkative)).results()) == {"a.part": ("ok", "3 messages wait")}


async def test_a_check_that_does_not_answer_ends_in_its_time_and_holds_up_no_other(observe: Observe) -> None:
    checks = [check(stuck, f"a.{number}", critical=True, timeout=0.05) for number in range(20)]
    health = observe(*checks, check(fine, "a.fine"))
    async with asyncio.timeout(0.5):  # one after the other they would take a second
        results = await health.results()
    assert [result.status for result in results] == ["failed"] * 20 + ["ok"]
    assert results[0].remark == "no answer within 0.05 s"
    assert results[0].milliseconds >= 50


async def test_one_that_does_not_let_itself_be_cancelled_ends_in_its_time_and_is_not_begun_again(
    observe: Observe,
) -> None:
    runs, let_go = 0, asyncio.Event()

    async def stubborn(_: Application) -> None:
        nonlocal runs
        runs += 1
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    health = observe(check(stubborn, timeout=0.05))
    async with asyncio.timeout(5):
        remarks = [(await health.results())[0].remark for _ in range(2)]
    assert remarks == ["no answer within 0.05 s", "the run before does not end, although it was cancelled"]
    assert runs == 1
    let_go.set()


async def test_fifty_who_ask_at_once_are_answered_by_one_run(observe: Observe) -> None:
    switch = Switch()
    health = observe(check(switch))
    answers = await asyncio.gather(*(health.results() for _ in range(50)))
    assert switch.runs == 1
    assert {result.status for (result,) in answers} == {"ok"}


async def test_who_gives_up_waiting_does_not_end_the_run_of_the_others(observe: Observe) -> None:
    go_on = asyncio.Event()

    async def slow(_: Application) -> None:
        await go_on.wait()

    health = observe(check(slow))
    impatient = asyncio.create_task(health.results())
    patient = asyncio.create_task(health.results())
    await asyncio.sleep(0)
    impatient.cancel()
    go_on.set()
    assert summary(await patient) == {"a.part": ("ok", "")}


async def test_an_answer_serves_until_its_time_is_over(observe: Observe) -> None:
    for cache, runs in ((60, 1), (0, 3)):
        switch = Switch()
        health = observe(check(switch, cache=cache))
        for _ in range(3):
            await health.results()
        assert switch.runs == runs


async def test_since_when_is_told_from_the_first_answer_of_its_kind(observe: Observe) -> None:
    switch = Switch()
    health = observe(check(switch))
    (well,) = await health.results()
    switch.on = False
    (first,) = await health.results()
    (second,) = await health.results()
    assert well.since is None
    assert first.since == first.at == second.since
    assert first.at < second.at


async def test_a_module_closes_at_the_second_failure_in_a_row_and_opens_at_the_next_success(observe: Observe) -> None:
    switch = Switch()
    health = observe(check(switch, closes_module=True))
    seen = []
    for on in (True, False, True, False, False, False, True):
        switch.on = on
        await health.results()
        seen.append("a" in health.closed)
    assert seen == [False, False, False, False, True, True, False]


async def test_a_module_opens_when_the_last_of_its_checks_succeeds(observe: Observe) -> None:
    one, other = Switch(), Switch()
    health = observe(check(one, "a.one", closes_module=True), check(other, "a.other", closes_module=True))
    one.on = other.on = False
    for _ in range(2):
        await health.results()
    assert health.closed["a"].by == {"a.one", "a.other"}
    one.on = True
    await health.results()
    assert health.closed["a"].by == {"a.other"}
    other.on = True
    await health.results()
    assert not health.closed


async def test_it_closes_and_opens_without_anybody_who_asks(
    observe: Observe, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., Awaitable[None]]
) -> None:
    monkeypatch.setattr(monitoring, "EVERY", 0.01)
    switch, other = Switch(), Switch()
    health = observe(check(switch, closes_module=True), check(other, "a.other"))
    switch.on = False
    async with health.watching():
        await wait_until(lambda: "a" in health.closed)
        switch.on = True
        await wait_until(lambda: not health.closed)


async def test_only_the_closed_modules_routes_are_refused(
    build: Callable[..., Any], browse: Callable[..., Any]
) -> None:
    routers = [Router("alpha"), Router("beta")]
    for router in routers:

        @router.get("/it")
        @policy(public)
        async def it() -> str:
            return "here"

    app = build(*routers)
    client = browse(app)
    app.state.application.health.not_started("alpha")
    answer = await client.get("/api/alpha/it")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "15")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["module"]) == ("module.unavailable", "alpha")
    assert "strict-transport-security" in answer.headers
    assert (await client.get("/api/beta/it")).status_code == 200


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], "ok"),
        (["ok", "ok"], "ok"),
        (["ok", "degraded"], "degraded"),
        (["degraded", "failed", "ok"], "failed"),
    ],
)
async def test_the_whole_fails_only_when_a_critical_check_does(
    observe: Observe, statuses: list[str], whole: str
) -> None:
    runs = {"ok": check(fine, "a.b"), "degraded": check(broken, "a.b"), "failed": check(broken, "a.b", critical=True)}
    results = [(await observe(runs[status]).results())[0] for status in statuses]
    assert overall(results) == whole


def test_of_the_services_only_the_database_is_critical() -> None:
    assert {check.name: check.critical for check in own_checks} == {
        "seamark.database": True,
        "seamark.redis": False,
        "seamark.outgoing": False,
    }
