"""Script and process count alike, and both as a bucket does that one would write down without thinking of speed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

import pytest
from framework.rate_limits import RateLimit, alone, shared
from framework.rate_limits.rule import SECOND, Per
from framework.rate_limits.rules import Limits, Meter
from framework.redis_link import Script
from hypothesis import given, settings
from hypothesis import strategies as some
from redis import Redis

type Question = tuple[int, int, list[str]]
"""Microseconds since the one before, cost, subjects."""

NOW = 1_795_219_200_000_000
CLOCK, PATIENCE = "redis.call('TIME')", "+ 1000)"


@pytest.fixture(scope="session")
def redis(environment: dict[str, str]) -> Iterator[Redis]:
    with Redis.from_url(environment["SM_REDIS_URL"]) as redis:
        yield redis


def asking(redis: Redis) -> Callable[[Limits, list[str], int, int], shared.Answer]:
    """``ask(limits, subjects, cost, now)`` as a limiter does, of an empty Redis."""
    redis.flushdb()
    script = redis.register_script(at_given_times(shared.CHARGE))

    def ask(limits: Limits, subjects: list[str], cost: int, now: int) -> shared.Answer:
        keys, words = shared.question(limits, subjects, cost)
        return shared.take_down(script(keys=keys, args=[*words, now]), limits, subjects)

    return ask


def at_given_times(script: Script) -> str:
    """The script with the time as its last argument, and with keys that outlive a slow test."""
    assert script.text.count(CLOCK) == script.text.count(PATIENCE) == 1
    return script.text.replace(CLOCK, "{0, ARGV[#ARGV]}").replace(PATIENCE, "+ 600000)")


@dataclass
class Tank:
    """The model: what is in it grows by a microsecond each microsecond until it is full."""

    rule: RateLimit
    level: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def look(self, subject: str, now: int) -> int:
        before = self.level.get(subject, self.rule.capacity)
        self.level[subject] = min(self.rule.capacity, before + now - self.seen.get(subject, now))
        self.seen[subject] = now
        return self.level[subject]


def expected(tanks: list[Tank], subjects: list[str], cost: int, now: int) -> tuple[list[int], bool]:
    charges = [tank.rule.charge(cost) for tank in tanks]
    levels = [tank.look(subject, now) for tank, subject in zip(tanks, subjects, strict=True)]
    admitted = all(level >= charge for level, charge in zip(levels, charges, strict=True))
    for tank, subject, charge in zip(tanks, subjects, charges, strict=True):
        tank.level[subject] -= charge if admitted else 0
    left = (tank.level[subject] for tank, subject in zip(tanks, subjects, strict=True))
    return [tank.rule.capacity - level for tank, level in zip(tanks, left, strict=True)], admitted


rates = some.tuples(some.integers(1, 50), some.sampled_from([0.001, 0.7, 1.0, 60.0, 3600.0]))
pauses = some.one_of(some.integers(0, 10), some.integers(0, 2 * SECOND), some.integers(0, 4000 * SECOND))


@some.composite
def histories(draw: some.DrawFn) -> tuple[list[RateLimit], list[Question]]:
    rules = [RateLimit(f"m.{n}", *rate) for n, rate in enumerate(draw(some.lists(rates, min_size=1, max_size=3)))]
    subjects = some.lists(some.sampled_from(["ada", "bob"]), min_size=len(rules), max_size=len(rules))
    return rules, draw(some.lists(some.tuples(pauses, some.integers(0, 60), subjects), max_size=40))


def meters(rules: list[RateLimit]) -> Limits:
    return Limits(Meter(rule) for rule in rules)


@settings(max_examples=150)
@given(histories())
def test_a_process_counts_as_the_model_does(history: tuple[list[RateLimit], list[Question]]) -> None:
    rules, questions = history
    tanks, limits, now = [Tank(rule) for rule in rules], meters(rules), NOW
    for pause, cost, subjects in questions:
        now += pause
        assert alone.charge(limits, subjects, cost, now) == expected(tanks, subjects, cost, now)


@settings(max_examples=150)
@given(histories())
def test_redis_counts_as_the_model_does(redis: Redis, history: tuple[list[RateLimit], list[Question]]) -> None:
    rules, questions = history
    ask, tanks, limits, now = asking(redis), [Tank(rule) for rule in rules], meters(rules), NOW
    for pause, cost, subjects in questions:
        now += pause
        _, _, owed = answer = ask(limits, subjects, cost, now)
        assert (owed, answer.admitted) == expected(tanks, subjects, cost, now)
    assert all(redis.pttl(key) > 0 for key in redis.keys("*"))


@settings(max_examples=150)
@given(histories())
def test_a_redis_that_forgot_everything_learns_it_again_from_those_who_ask(
    redis: Redis, history: tuple[list[RateLimit], list[Question]]
) -> None:
    rules, questions = history
    ask, tanks, limits, now = asking(redis), [Tank(rule) for rule in rules], meters(rules), NOW
    for pause, cost, subjects in questions:
        now += pause
        redis.flushdb()
        _, _, owed = answer = ask(limits, subjects, cost, now)
        assert (owed, answer.admitted) == expected(tanks, subjects, cost, now)


@settings(max_examples=150)
@given(histories(), some.integers(0, 40))
def test_who_was_at_their_limit_stays_there_when_redis_goes_away_and_when_it_comes_back(
    redis: Redis, history: tuple[list[RateLimit], list[Question]], lasts: int
) -> None:
    rules, questions = history
    ask, tanks, limits, now = asking(redis), [Tank(rule) for rule in rules], meters(rules), NOW
    for number, (pause, cost, subjects) in enumerate(questions):
        now += pause
        if number % 3 == 1 and number < lasts:
            assert alone.charge(limits, subjects, cost, now) == expected(tanks, subjects, cost, now)
        else:
            _, _, owed = answer = ask(limits, subjects, cost, now)
            assert (owed, answer.admitted) == expected(tanks, subjects, cost, now)


@settings(max_examples=150)
@given(rates, some.lists(some.tuples(pauses, some.integers(1, 5)), min_size=1, max_size=60))
def test_in_no_stretch_of_time_more_is_admitted_than_the_limit_and_what_was_earned_meanwhile(
    rate: tuple[int, float], questions: list[tuple[int, int]]
) -> None:
    rule = RateLimit("m.rule", *rate)
    limits, now = meters([rule]), 0
    taken: list[tuple[int, int]] = []
    for pause, cost in questions:
        now += pause
        if alone.charge(limits, ["ada"], cost, now)[1]:
            taken.append((now, min(cost, rule.limit)))
    for first, (began, _) in enumerate(taken):
        sums = accumulate(cost for _, cost in taken[first:])
        for (ended, _), cost in zip(taken[first:], sums, strict=True):
            assert cost <= rule.limit + (ended - began) // rule.interval


def test_what_is_refused_takes_nothing_of_any_bucket() -> None:
    limits = meters([RateLimit("m.wide", 100), RateLimit("m.narrow", 1, per=Per.ADDRESS)])
    assert alone.charge(limits, ["ada", "here"], 1, 0)[1]
    after_one = [limits.rules[0].interval, limits.rules[1].capacity]
    for _ in range(10):
        assert alone.charge(limits, ["ada", "here"], 1, 0) == (after_one, False)


def test_a_clock_that_was_set_back_locks_nobody_out(redis: Redis) -> None:
    ask, limits = asking(redis), meters([RateLimit("m.rule", 10, 60)])
    capacity, interval = limits.rules[0].capacity, limits.rules[0].interval
    assert ask(limits, ["ada"], 5, NOW)[2] == [5 * interval]
    an_hour_before = NOW - 3600 * SECOND
    assert ask(limits, ["ada"], 5, an_hour_before) == (False, an_hour_before, [capacity])
    half_a_minute_later = an_hour_before + 5 * interval
    assert ask(limits, ["ada"], 5, half_a_minute_later) == (True, half_a_minute_later, [capacity])
