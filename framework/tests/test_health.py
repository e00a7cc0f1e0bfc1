"""Every check at once, each within its time; what went wrong is for the log only."""

import asyncio
from typing import Any, cast

import pytest
from framework.application import Application
from framework.health import HealthCheck, HealthResult, framework_checks, overall, run_checks

CANARY = "canary-7f3a9c"
APPLICATION = cast("Application", object())


async def fine(_: Application) -> None: ...


async def talkative(_: Application) -> str:
    return "3 messages wait"


async def broken(_: Application) -> None:
    raise ConnectionError(f"password {CANARY} refused")


async def stuck(_: Application) -> None:
    await asyncio.Event().wait()


def summary(results: list[HealthResult]) -> dict[str, tuple[str, str]]:
    return {result.name: (result.status, result.remark) for result in results}


async def test_a_check_that_raises_fails_when_critical_and_degrades_when_not() -> None:
    checks = [
        HealthCheck("a.critical", broken, critical=True),
        HealthCheck("a.other", broken),
        HealthCheck("a.fine", fine),
    ]
    results = await run_checks(APPLICATION, checks)
    assert {name: status for name, (status, _) in summary(results).items()} == {
        "a.critical": "failed",
        "a.other": "degraded",
        "a.fine": "ok",
    }


async def test_what_it_raised_is_in_the_log_and_nowhere_else(logged: list[dict[str, Any]]) -> None:
    (result,) = await run_checks(APPLICATION, [HealthCheck("a.broken", broken, critical=True)])
    assert CANARY not in repr(result)
    assert result.remark == "failed; the log of this process says why"
    (line,) = logged
    assert (line["check"], CANARY in line["error"]) == ("a.broken", True)


async def test_a_remark_is_for_people() -> None:
    assert summary(await run_checks(APPLICATION, [HealthCheck("a.queue", talkative)])) == {
        "a.queue": ("ok", "3 messages wait")
    }


async def test_a_check_that_does_not_answer_ends_in_its_time_and_holds_up_no_other() -> None:
    checks = [HealthCheck(f"a.{number}", stuck, critical=True, timeout=0.05) for number in range(20)]
    async with asyncio.timeout(0.5):  # one after the other they would take a second
        results = await run_checks(APPLICATION, [*checks, HealthCheck("a.fine", fine)])
    assert [result.status for result in results] == ["failed"] * 20 + ["ok"]
    assert results[0].remark == "no answer within 0.05 s"
    assert results[0].milliseconds >= 50


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], "ok"),
        (["ok", "ok"], "ok"),
        (["ok", "degraded"], "degraded"),
        (["degraded", "failed", "ok"], "failed"),
    ],
)
def test_the_whole_fails_only_when_a_critical_check_does(statuses: list[Any], whole: str) -> None:
    assert overall([HealthResult("a.b", status, False, 0.0) for status in statuses]) == whole


async def test_of_the_services_only_the_database_is_critical() -> None:
    assert {check.name: check.critical for check in framework_checks} == {
        "seamark.database": True,
        "seamark.redis": False,
        "seamark.outgoing": False,
    }
