"""One breaker as a state machine: no clock, no input or output. ``scripts.py`` is the same in Lua; a test compares both."""

from enum import Enum, StrEnum
from typing import NamedTuple

from framework.circuit_breaker.rules import Rules, microseconds


class State(StrEnum):
    """The three of Nygard, "Release It!", chapter 5."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Outcome(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    NOTHING = "nothing"
    """The call ended and says nothing about the service: it was cancelled."""


class Verdict(NamedTuple):
    """What a breaker says to a call. ``CLOSED``: go. ``HALF_OPEN``: go, as the probe. ``OPEN``: do not, ``wait``
    microseconds are left."""

    state: State
    generation: str = ""
    """What the call's outcome must name. An outcome of a generation that is over changes nothing."""
    wait: int = 0
    pause: int = 0
    """What the breaker was opened for last, in microseconds."""
    probing: bool = False
    """Another call probes, so the answer may change long before ``wait`` is over."""


class Circuit:
    """Times are whole microseconds of a clock that never goes back. Each transition begins a generation, named ``fresh``
    by whoever causes it; names are never used again."""

    __slots__ = ("_buckets", "_rules", "_width", "generation", "pause", "state", "until")

    def __init__(self, rules: Rules, generation: str) -> None:
        self.state = State.CLOSED
        self.generation = generation
        self.until = 0
        """While open: when it is due to be probed. While half-open: when the probe is given up."""
        self.pause = 0
        self._rules = rules
        self._width = microseconds(rules.window) // rules.buckets
        self._clear()

    def admit(self, now: int, fresh: str, lease: int) -> Verdict:
        if self.state is State.CLOSED:
            return Verdict(State.CLOSED, self.generation)
        if now < self.until:
            return Verdict(State.OPEN, "", self.until - now, self.pause, self.state is State.HALF_OPEN)
        self.probe(now, fresh, lease)
        return Verdict(State.HALF_OPEN, fresh, 0, self.pause)

    def record(self, now: int, generation: str, outcome: Outcome, fresh: str) -> State | None:
        """How a call of ``generation`` ended. Returns the state that begins by it, if one does."""
        if generation != self.generation:
            return None
        if self.state is State.HALF_OPEN:
            return self._probed(now, outcome, fresh)
        if self.state is State.CLOSED and outcome is not Outcome.NOTHING:
            return self._count(now, outcome, fresh)
        return None

    def probe(self, now: int, fresh: str, lease: int) -> None:
        self.state, self.generation, self.until = State.HALF_OPEN, fresh, now + lease

    def open(self, now: int, fresh: str, wait: int, pause: int) -> None:
        self.state, self.generation, self.until, self.pause = State.OPEN, fresh, now + wait, pause
        self._clear()

    def is_forgotten(self, now: int) -> bool:
        """Whether it says no more than one that was never used."""
        if self.state is State.CLOSED:
            return not any(self._within(now, epoch) for epoch, _, _ in self._buckets)
        return now >= self.until + microseconds(self._rules.forget_after)

    def _probed(self, now: int, outcome: Outcome, fresh: str) -> State:
        if outcome is Outcome.SUCCESS:
            self.state, self.generation, self.until, self.pause = State.CLOSED, fresh, 0, 0
            return State.CLOSED
        if outcome is Outcome.NOTHING:
            # The next call is the probe.
            self.open(now, fresh, 0, self.pause)
        else:
            pause = min(2 * self.pause, microseconds(self._rules.longest_pause))
            self.open(now, fresh, pause, pause)
        return State.OPEN

    def _count(self, now: int, outcome: Outcome, fresh: str) -> State | None:
        epoch = now // self._width
        bucket = self._buckets[epoch % self._rules.buckets]
        if bucket[0] != epoch:
            bucket[:] = epoch, 0, 0
        bucket[1 if outcome is Outcome.SUCCESS else 2] += 1
        if outcome is Outcome.SUCCESS:
            return None
        successes = failures = 0
        for kept, good, bad in self._buckets:
            if self._within(now, kept):
                successes, failures = successes + good, failures + bad
        calls = successes + failures
        if calls < self._rules.calls or failures < self._rules.failure_rate * calls:
            return None
        pause = microseconds(self._rules.pause)
        self.open(now, fresh, pause, pause)
        return State.OPEN

    def _within(self, now: int, epoch: int) -> bool:
        return 0 <= now // self._width - epoch < self._rules.buckets

    def _clear(self) -> None:
        # Long ago, in a bucket of no window.
        self._buckets = [[-self._rules.buckets, 0, 0] for _ in range(self._rules.buckets)]
