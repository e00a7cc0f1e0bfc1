"""Names may be hosts that people enter: however many they are, what is kept of them is bounded."""

import pytest
from framework.circuit_breaker.local import AT_MOST

from .conftest import World, begin, calls


@pytest.fixture
def many(with_redis: World) -> World:
    with_redis.redis_answers = False
    return with_redis


async def test_ten_thousand_names_push_out_none_that_is_open(many: World) -> None:
    await calls(many.one, failed=10)
    for number in range(10_000):
        await calls(many.one, failed=1, name=f"host-{number}.example")
    assert await begin(many.one) == []
    assert len(many.one._local._circuits) <= AT_MOST


async def test_more_open_ones_than_are_kept_push_out_the_oldest(many: World) -> None:
    for number in range(AT_MOST + 1):
        await calls(many.one, failed=10, name=f"host-{number}.example")
    assert len(await many.one.states()) == AT_MOST
    assert await begin(many.one, name="host-0.example")
    assert await begin(many.one, name=f"host-{AT_MOST}.example") == []


async def test_a_breaker_that_nothing_was_asked_of_for_ten_minutes_is_as_new(many: World) -> None:
    await calls(many.one, failed=10)
    many.pass_time(604.9)
    assert len(await many.one.states()) == 1
    many.pass_time(0.1)
    assert await many.one.states() == []


async def test_everything_in_redis_expires(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    await calls(with_redis.one, succeeded=2)
    await calls(with_redis.one, failed=10, name="maps")
    keys = await with_redis.redis.keys("*")
    assert set(keys) == {b"seamark:breaker:mail", b"seamark:breaker:maps", b"seamark:breakers"}
    assert all([0 < await with_redis.redis.pttl(key) <= 600_000 for key in keys])
