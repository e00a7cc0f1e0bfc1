"""Exponential backoff with full jitter and a cap."""

from datetime import timedelta

import pytest
from framework.tasks import RetryLater, RetryPolicy
from hypothesis import given
from hypothesis import strategies as st

POLICY = RetryPolicy(base=timedelta(seconds=2), cap=timedelta(seconds=60))


def longest(low: float, high: float) -> float:
    return high


def test_the_longest_wait_doubles_up_to_the_cap() -> None:
    assert [POLICY.delay(attempt, longest).total_seconds() for attempt in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


def test_it_may_be_none_at_all() -> None:
    assert POLICY.delay(3, lambda low, high: low) == timedelta(0)


@given(st.integers(min_value=1, max_value=10**9))
def test_however_many_attempts_there_were_the_cap_holds(attempt: int) -> None:
    assert timedelta(0) <= POLICY.delay(attempt) <= POLICY.cap


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({POLICY.delay(5) for _ in range(20)}) > 1


def test_a_task_cannot_ask_for_the_past() -> None:
    assert RetryLater(timedelta(minutes=2)).after == timedelta(minutes=2)
    with pytest.raises(ValueError, match="past"):
        RetryLater(timedelta(seconds=-1))
