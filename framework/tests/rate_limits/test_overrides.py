"""An operator makes other limits of those that modules declare, or none."""

from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from framework.checks import all_checks, refuse_on_errors, run_checks
from framework.findings import BootError, Level
from framework.rate_limits import RateLimit

type Limited = Callable[..., FastAPI]
type Admitted = Callable[..., Awaitable[int]]


async def test_a_limit_is_what_the_operator_says(limited: Limited, admitted: Admitted) -> None:
    app = limited(rate_limits="things.address=5/60;things.person = 1 / 0.5 ; ")
    assert await admitted(app, "address") == 5
    assert await admitted(app, "person", signed_in="bobs") == 1


async def test_a_rule_that_is_off_counts_nothing(limited: Limited, ask: Callable[..., Awaitable[object]]) -> None:
    app = limited(rate_limits="things.address=off; seamark.address=off")
    answers = [await ask(app, "address") for _ in range(10)]
    assert all(answer.status_code == 200 and "ratelimit" not in answer.headers for answer in answers)  # type: ignore[attr-defined]


async def found(app: FastAPI) -> list[tuple[str, Level, str, str]]:
    application = app.state.application
    report = await run_checks(application, all_checks(application), static_only=True)
    return [(item.code, item.level, item.message, item.hint) for item in report.findings]


async def test_a_name_that_no_module_declares_is_a_warning(limited: Limited) -> None:
    [(code, level, message, hint)] = await found(limited(rate_limits="things.adress=5/60"))
    assert (code, level) == ("SM041", Level.WARNING)
    assert message == "SM_RATE_LIMITS names 'things.adress', which no enabled module declares"
    assert "seamark.address, seamark.principal, things.address" in hint


@pytest.mark.parametrize(
    "entry", ["things.address", "things.address=", "things.address=5", "things.address=5/0", "things.address=0/60",
              "things.address=-5/60", "things.address=5/60/2", "things.address=many", "things.address=9/0.000001"]
)  # fmt: skip
async def test_what_cannot_be_read_stops_the_boot(limited: Limited, admitted: Admitted, entry: str) -> None:
    app = limited(rate_limits=f"things.person=1/60; {entry}")
    [(code, level, message, hint)] = await found(app)
    assert (code, level, message) == ("SM041", Level.ERROR, f"SM_RATE_LIMITS has {entry!r}, which is no limit")
    assert "name=limit/seconds" in hint
    with pytest.raises(BootError, match="SM041"):
        await refuse_on_errors(app.state.application, all_checks(app.state.application), static_only=True)
    # Until then the declared limit holds, and so does what can be read.
    assert [await admitted(app, "address"), await admitted(app, "person")] == [3, 1]


@pytest.mark.parametrize(("limit", "period"), [(0, 60), (-1, 60), (5, 0), (5, 0.000001), (1, -1)])
def test_a_rule_that_cannot_be_counted_is_refused_where_it_is_declared(limit: int, period: float) -> None:
    with pytest.raises(ValueError, match=r"rate limit things\.rule"):
        RateLimit("things.rule", limit, period)
