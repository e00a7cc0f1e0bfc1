"""A change of health is kept once, whichever processes noticed it and whenever they could say so."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from framework.application import Application
from framework.health.check import HealthResult, Status
from framework.health.history import History
from sqlalchemy import text

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "example.part"


def result(status: Status, minute: int, day: datetime = NOON) -> HealthResult:
    at = day + timedelta(minutes=minute)
    return HealthResult(NAME, "example", status, False, False, "Something.", f"minute {minute}", 1.0, at)


@pytest.fixture
def histories(application: Application) -> list[History]:
    """Of three processes."""
    return [History(lambda: application.database, timedelta(days=365_000)) for _ in range(3)]


async def kept(application: Application) -> list[tuple[str, int]]:
    async with application.database.unit_of_work(read_only=True) as session:
        rows = await session.execute(
            text("SELECT status, at FROM seamark.health_change WHERE check_name = :name ORDER BY at"), {"name": NAME}
        )
    return [(row.status, round((row.at - NOON).total_seconds() / 60)) for row in rows]


async def tell(history: History, *results: HealthResult) -> list[Any]:
    """What it says about since when."""
    since: list[Any] = []
    for each in results:
        history.note(each, since.append)
    await history.write()
    return since


async def test_the_same_status_twice_in_a_row_is_kept_once(application: Application, histories: list[History]) -> None:
    one, other, third = histories
    since = await tell(one, result("degraded", 1), result("ok", 5))
    assert since == [NOON + timedelta(minutes=1), NOON + timedelta(minutes=5)]
    assert await tell(other, result("degraded", 6)) == [NOON + timedelta(minutes=6)]
    assert await tell(third, result("degraded", 8)) == [NOON + timedelta(minutes=6)]
    assert await kept(application) == [("degraded", 1), ("ok", 5), ("degraded", 6)]


async def test_what_has_always_been_well_is_not_kept(application: Application, histories: list[History]) -> None:
    assert await tell(histories[0], result("ok", 1)) == [None]
    assert await kept(application) == []


async def test_one_that_comes_late_has_its_own_time_and_doubles_nothing(
    application: Application, histories: list[History]
) -> None:
    one, other, _ = histories
    await tell(one, result("degraded", 10), result("ok", 20))
    # The other noticed sooner, and could not say so until now.
    await tell(other, result("degraded", 9), result("ok", 21))
    assert await kept(application) == [("degraded", 9), ("ok", 20)]


async def test_processes_that_notice_at_once_keep_one_row(application: Application, histories: list[History]) -> None:
    for number in range(10):
        status: Status = "degraded" if number % 2 == 0 else "ok"
        await asyncio.gather(*(tell(history, result(status, number)) for history in histories))
    assert [status for status, _ in await kept(application)] == ["degraded", "ok"] * 5


async def test_what_postgres_does_not_take_is_kept_back_and_comes_with_its_own_time(
    application: Application, histories: list[History], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = histories[0]

    class Away:
        def driver_connection(self) -> None:
            raise ConnectionError("away")

    monkeypatch.setattr(history, "_database", Away)
    assert await tell(history, result("degraded", 1)) == []
    assert await tell(history, result("ok", 2)) == []
    assert await kept(application) == []
    monkeypatch.undo()
    await history.write()
    assert await kept(application) == [("degraded", 1), ("ok", 2)]


async def test_old_changes_are_forgotten_but_the_last_of_a_check(application: Application) -> None:
    history = History(lambda: application.database, timedelta(days=90))
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=200)
    await tell(history, result("degraded", 1, long_ago), result("ok", 2, long_ago), result("degraded", 3, long_ago))
    assert len(await kept(application)) == 1
    await tell(history, result("ok", 0, now))
    [(status, _)] = await kept(application)
    assert status == "ok"
