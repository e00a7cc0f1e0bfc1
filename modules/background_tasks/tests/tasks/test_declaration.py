"""A declaration that cannot work is refused when its module is imported."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from framework.tasks import Priority, RetryPolicy, TaskRun, task
from sqlalchemy.ext.asyncio import AsyncSession


async def work(run: TaskRun, *, user: str, note: str = "") -> None: ...


async def told_less(session: AsyncSession, outcome: str, *, user: str) -> None: ...


def told_at_once(session: AsyncSession, outcome: str, *, user: str, note: str = "") -> None: ...


def not_async(run: TaskRun) -> None: ...


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"soft_limit": 90, "hard_limit": 90}, "the soft limit must be above 0 and below the hard one"),
        ({"soft_limit": 0}, "the soft limit must be above 0 and below the hard one"),
        ({"queue": ""}, "the queue '' is no name"),
        ({"queue": "mail,reports"}, "the queue 'mail,reports' is no name"),
        ({"priority": 7}, "the priority is one of HIGH, NORMAL, LOW"),
        ({"retention": timedelta(0)}, "the retention must be above 0"),
        ({"unique": lambda order: order}, "`unique` asks for order, which is no parameter"),
        ({"on_end": told_at_once}, "`on_end` is not `async def`"),
        ({"on_end": told_less}, "`on_end` is called with .*: got an unexpected keyword argument 'note'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=rf"^task probe\.work: {problem}"):
        task("probe.work", **options)(work)


def test_one_error_tells_all_problems() -> None:
    with pytest.raises(ValueError, match=r"no name of letters.*; the soft limit"):
        task("probe.work", queue="", soft_limit=0)(work)


def test_a_task_has_a_name_and_is_async() -> None:
    with pytest.raises(ValueError, match=r"it needs a name, <module>\.<what>"):
        task("")(work)
    with pytest.raises(ValueError, match="not_async is not `async def`"):
        task("probe.work")(not_async)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"base": timedelta(seconds=-1)}, "base"),
        ({"base": timedelta(minutes=1), "cap": timedelta(seconds=1)}, "base"),
    ],
)
def test_a_retry_policy_makes_sense(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RetryPolicy(**options)


def test_how_it_is_enqueued_makes_sense_too() -> None:
    declared = task("probe.work")(work)
    with pytest.raises(ValueError, match=r"probe\.work: give `delay` or `at`, not both"):
        declared.configure(delay=timedelta(1), at=datetime.now(UTC))
    with pytest.raises(ValueError, match=r"probe\.work: `at` needs a time zone"):
        declared.configure(at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="7 is not a valid Priority"):
        declared.configure(priority=7)  # type: ignore[arg-type]
    assert declared.configure(priority=Priority.HIGH).envelope.priority is Priority.HIGH
