"""Clocks are set, by people and by NTP. No breaker stays open for it."""

import time

import pytest
from framework.circuit_breaker import Breakers, State
from framework.redis_link import RedisLink

from .conftest import World, begin, calls

HOUR = 3_600_000_000


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["back", "forward"])
async def test_the_wall_clock_of_a_process_changes_nothing(by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tutorial's breaker reads ``time.time()``."""
    link = RedisLink("redis://127.0.0.1:1/0", "test")
    breakers = Breakers(link)
    try:
        await calls(breakers, failed=10)
        (before,) = await breakers.states()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + by / 1e6)
        monkeypatch.setattr(time, "time_ns", lambda: int(now * 1e9) + by * 1000)
        (after,) = await breakers.states()
        assert 0 < after.wait <= before.wait <= 5
        assert await begin(breakers) == []
    finally:
        await link.close()


async def test_redis_clock_set_back_holds_calls_up_for_one_pause_more_at_most(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.redis_time -= HOUR
    assert await begin(with_redis.other) == []
    with_redis.pass_time(5)
    assert len(await begin(with_redis.other, 50)) == 1


async def test_redis_clock_set_back_while_a_probe_is_under_way_costs_one_lease_more_at_most(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    await begin(with_redis.one)
    with_redis.redis_time -= HOUR
    assert await begin(with_redis.other) == []
    with_redis.pass_time(31)
    assert len(await begin(with_redis.other, 50)) == 1


async def test_redis_clock_set_forward_costs_one_probe(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.redis_time += HOUR
    (probe,) = await begin(with_redis.other, 50)
    await probe.failed()
    assert await begin(with_redis.other) == []


async def test_what_failed_before_the_clock_was_set_back_is_counted_no_more(with_redis: World) -> None:
    await calls(with_redis.one, failed=9)
    with_redis.redis_time -= HOUR
    await calls(with_redis.one, failed=9)
    assert await with_redis.one.states() == []
    await calls(with_redis.one, failed=1)
    assert [breaker.state for breaker in await with_redis.one.states()] == [State.OPEN]
