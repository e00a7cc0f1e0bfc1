"""When a task that raised runs again."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

# Beyond any cap, and still a number that a float holds.
MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task is tried, and how long it waits in between: exponential backoff with full jitter and a cap.

    Full jitter, because tasks that failed together otherwise come back together (AWS Architecture Blog, "Exponential
    Backoff and Jitter").
    """

    max_attempts: int = 3
    """The first included; of a task with steps, for each step anew."""
    base: timedelta = timedelta(seconds=2)
    """The longest wait after the first attempt; it doubles with each."""
    cap: timedelta = timedelta(minutes=5)
    """What no wait exceeds."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("a retry policy's max_attempts counts the first attempt too, so it is at least 1")
        if not timedelta(0) <= self.base <= self.cap:
            raise ValueError("a retry policy's base must not be negative, nor above its cap")

    def delay(self, attempt: int, random: Callable[[float, float], float] = random.uniform) -> timedelta:
        """How long to wait after attempt number ``attempt``, the first being 1; ``random(low, high)`` chooses."""
        longest = self.base.total_seconds() * 2.0 ** min(attempt - 1, MOST_DOUBLINGS)
        return timedelta(seconds=random(0, min(self.cap.total_seconds(), longest)))


class RetryLater(Exception):
    """A task raises it to run again ``after`` a time it knows better than its policy: ``Retry-After`` of an API, say.

    The attempt counts, so it ends all the same.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"again in {after.total_seconds():g} s")
        if after < timedelta(0):
            raise ValueError("a task cannot be repeated in the past")
        self.after = after
