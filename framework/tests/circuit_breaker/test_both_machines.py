"""The script and the process's own breaker say the same at every step, and what one would work out from the whole history."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import pytest
from framework.circuit_breaker.circuit import Circuit, Outcome, State, Verdict
from framework.circuit_breaker.rules import Rules
from framework.circuit_breaker.scripts import Scripts
from framework.circuit_breaker.shared import SharedCircuits
from framework.redis_link import Argument, RedisLink, Script
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis import Redis

RULES = Rules(failure_rate=0.5, calls=4, window=2, buckets=4, pause=3, longest_pause=10)
SECOND = 1_000_000
BUCKET = SECOND // 2
GIVEN_TIME = "local now = tonumber(ARGV[#ARGV])\n"
TODAY = 1_795_219_200_000_000
"""In microseconds, because numbers of that size are what the script must count with exactly."""


@dataclass
class History:
    """The model: every call that ended in this generation, judged afresh each time."""

    generation: str = ""
    state: State = State.CLOSED
    until: int = 0
    pause: int = 0
    ended: list[tuple[int, bool]] = field(default_factory=list)

    def admit(self, now: int, fresh: str, lease: int) -> Verdict:
        if self.state is State.CLOSED:
            return Verdict(State.CLOSED, self.generation)
        if now < self.until:
            return Verdict(State.OPEN, "", self.until - now, self.pause, self.state is State.HALF_OPEN)
        self.state, self.until, self.generation = State.HALF_OPEN, now + lease, fresh
        return Verdict(State.HALF_OPEN, fresh, 0, self.pause)

    def record(self, now: int, generation: str, outcome: Outcome, fresh: str) -> State | None:
        if generation != self.generation:
            return None
        if self.state is State.HALF_OPEN:
            return self._end_probe(now, outcome, fresh)
        if outcome is not Outcome.NOTHING:
            self.ended.append((now, outcome is Outcome.FAILURE))
        latest = [failed for at, failed in self.ended if at // BUCKET > now // BUCKET - 4]
        if outcome is Outcome.FAILURE and len(latest) >= 4 and sum(latest) >= 0.5 * len(latest):
            return self._open(now, fresh, 3 * SECOND, 3 * SECOND)
        return None

    def _end_probe(self, now: int, outcome: Outcome, fresh: str) -> State:
        if outcome is Outcome.SUCCESS:
            self.state, self.generation, self.pause = State.CLOSED, fresh, 0
            return State.CLOSED
        if outcome is Outcome.NOTHING:
            return self._open(now, fresh, 0, self.pause)
        pause = min(2 * self.pause, 10 * SECOND)
        return self._open(now, fresh, pause, pause)

    def _open(self, now: int, fresh: str, wait: int, pause: int) -> State:
        self.state, self.generation, self.until, self.pause = State.OPEN, fresh, now + wait, pause
        self.ended = []
        return State.OPEN


class GivenTime:
    """A link whose scripts are told the time. It waits for Redis in place, so no loop is needed."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.now = TODAY

    async def run(self, script: Script, keys: tuple[Argument, ...], arguments: tuple[Argument, ...]) -> Any:
        return self.redis.eval(script.text, len(keys), *keys, *arguments, self.now)


def value[T](work: Coroutine[Any, Any, T]) -> T:
    with pytest.raises(StopIteration) as stop:
        work.send(None)
    return cast("T", stop.value.value)


class Machines(RuleBasedStateMachine):
    redis: Redis

    @initialize()
    def begin(self) -> None:
        self.redis.flushdb()
        self.link = GivenTime(self.redis)
        self.shared = SharedCircuits(cast("RedisLink", self.link), Scripts.of(RULES, GIVEN_TIME))
        self.own, self.history = Circuit(RULES, ""), History()
        self.numbers = count(1)
        self.calls: list[str] = []

    @rule(buckets=some.sampled_from([0, 1, 3, 4]), off_by=some.sampled_from([-1, 0, 0, 1, BUCKET // 2]))
    def time_passes(self, buckets: int, off_by: int) -> None:
        self.link.now += max(0, buckets * BUCKET + off_by)

    @rule(early=some.sampled_from([0, 0, 1]))
    def a_probe_is_due(self, early: int) -> None:
        self.link.now = max(self.link.now, self.history.until - early)

    @rule(lease=some.sampled_from([1, SECOND, 4 * SECOND]))
    def a_call_begins(self, lease: int) -> None:
        now, fresh = self.link.now, f"generation {next(self.numbers)}"
        expected = self.history.admit(now, fresh, lease)
        assert self.own.admit(now, fresh, lease) == expected
        assert value(self.shared.admit("a", fresh, lease, None)) == expected
        if expected.state is not State.OPEN:
            self.calls.append(expected.generation)

    @rule(which=some.sampled_from([-1, -1, -1, -2, -5]), outcome=some.sampled_from(Outcome))
    def a_call_ends(self, which: int, outcome: Outcome) -> None:
        """The latest to begin, or one of those before."""
        if -which > len(self.calls):
            return
        now, fresh, generation = self.link.now, f"generation {next(self.numbers)}", self.calls[which]
        expected = self.history.record(now, generation, outcome, fresh)
        assert self.own.record(now, generation, outcome, fresh) == expected
        changed = value(self.shared.record("a", generation, outcome, fresh))
        assert (changed.state if changed else None) == expected
        assert changed is None or changed.wait == max(0, self.own.until - now)

    @rule(outcomes=some.lists(some.sampled_from([Outcome.FAILURE, Outcome.FAILURE, Outcome.SUCCESS]), max_size=5))
    def calls_are_made(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.a_call_begins(SECOND)
            self.a_call_ends(-1, outcome)

    @invariant()
    def those_that_are_not_closed_are_listed(self) -> None:
        listed = [(breaker.name, breaker.state, breaker.wait) for breaker in value(self.shared.not_closed())]
        left = max(0, self.history.until - self.link.now) / SECOND
        assert listed == ([] if self.history.state is State.CLOSED else [("a", self.history.state, left)])

        assert self.redis.zcard("seamark:breakers") == len(listed)

    @invariant()
    def nothing_stays_in_redis_for_ever(self) -> None:
        assert all(self.redis.pttl(key) > 0 for key in self.redis.keys("seamark:*"))


@pytest.fixture
def redis(environment: dict[str, str]) -> Iterator[Redis]:
    with Redis.from_url(environment["SM_REDIS_URL"]) as redis:
        yield redis


def test_the_script_the_process_and_the_whole_history_agree(redis: Redis) -> None:
    machines = type("Machines", (Machines,), {"redis": redis})
    run_state_machine_as_test(machines, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
