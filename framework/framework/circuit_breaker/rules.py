"""When a breaker opens, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Times are seconds. A breaker opens when of the ``calls`` or more that ended within the latest ``window`` at least
    the share ``failure_rate`` failed.

    It then stays open for ``pause``, and for twice as long each time that a probe fails, up to ``longest_pause``.
    """

    failure_rate: float = 0.5
    calls: int = 10
    window: float = 10.0
    buckets: int = 10
    """Parts of the window; it slides on by one of them at a time."""
    pause: float = 5.0
    longest_pause: float = 60.0
    probe_within: float = 30.0
    """How long a call may take that knows no deadline. A probe that says nothing for longer is given up: its process died."""
    forget_after: float = 600.0
    """A breaker that nothing was asked of for so long is closed again, as one that was never heard of."""

    def __post_init__(self) -> None:
        if not 0 < self.failure_rate <= 1:
            raise ValueError("failure_rate is a share: above 0, at most 1")
        if self.calls < 1 or self.buckets < 1:
            raise ValueError("a breaker judges by one call and one bucket at least")
        if not 0 < self.pause <= self.longest_pause < self.forget_after or not 0 < self.window < self.forget_after:
            raise ValueError("pause ≤ longest_pause < forget_after and window < forget_after, all above 0")
        if not 0 < self.probe_within < self.forget_after:
            raise ValueError("probe_within is above 0 and below forget_after")


def microseconds(seconds: float) -> int:
    """Breakers count in whole microseconds, here and in Redis, so that both compute the same."""
    return round(seconds * 1_000_000)
