"""How many retries a host is spared: so many that calls which fail at times are repeated, and too few to multiply an outage."""

from collections.abc import Callable
from time import monotonic


class RetryBudget:
    """A token bucket (Google, "Site Reliability Engineering", chapter 21; Finagle's ``RetryBudget``).

    Each call pays ``share`` of a retry in. Beside that, ``floor`` retries come by themselves every ten seconds, so that
    a host which is called seldom is retried at all. More than ``most`` are not saved up.
    """

    __slots__ = ("_at", "_clock", "_tokens", "floor", "most", "share")

    def __init__(
        self, share: float = 0.2, floor: float = 3, most: float = 20, clock: Callable[[], float] = monotonic
    ) -> None:
        self.share, self.floor, self.most = share, floor, most
        self._clock = clock
        self._tokens = floor
        self._at = clock()

    def pay_in(self) -> None:
        self._tokens = min(self.most, self._tokens + self.share)

    def withdraw(self) -> bool:
        """Whether there is a retry left, which then is taken."""
        now = self._clock()
        # By time only up to the floor: a host that was not called for an hour has not earned a storm.
        if self._tokens < self.floor:
            self._tokens = min(self.floor, self._tokens + (now - self._at) * self.floor / 10)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
