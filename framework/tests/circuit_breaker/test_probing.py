"""One call tries whether the service answers again: one of all processes, or one of each without Redis."""

import asyncio

import pytest
from framework.circuit_breaker import CircuitOpen, State
from framework.deadline import within

from .conftest import World, begin, calls


async def test_of_100_calls_against_a_half_open_breaker_one_is_let_through(world: World) -> None:
    """The tutorial's breaker let 100 of 100 through."""
    await calls(world.one, failed=10)
    world.pass_time(5)
    (probe,) = await begin(world.one, 100)
    assert probe.is_probe


async def test_of_100_calls_of_two_processes_one_is_let_through(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    probes = await asyncio.gather(begin(with_redis.one, 50), begin(with_redis.other, 50))
    assert sum(map(len, probes)) == 1


async def test_what_opens_in_one_process_is_open_in_the_other(with_redis: World) -> None:
    await calls(with_redis.one, failed=5)
    await calls(with_redis.other, failed=5)
    assert await begin(with_redis.one) == await begin(with_redis.other) == []


async def test_who_is_refused_while_a_probe_is_under_way_may_ask_again_soon(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(5)
    await begin(world.one)
    with pytest.raises(CircuitOpen) as refused:
        await world.one.acquire("mail")
    assert refused.value.retry_after == 1


async def test_a_process_hears_at_once_that_the_probe_of_another_succeeded(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    (probe,) = await begin(with_redis.one)
    assert await begin(with_redis.other) == []
    await probe.succeeded()
    assert len(await begin(with_redis.other, 100)) == 100


async def test_a_probe_whose_process_died_is_given_up(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(5)
    (silent,) = await begin(world.one)
    world.pass_time(30.9)
    assert await begin(world.one) == []
    world.pass_time(0.1)
    (second,) = await begin(world.one, 100)
    # It was slow and not dead: what it says now comes too late.
    await silent.succeeded()
    assert [breaker.state for breaker in await world.one.states()] == [State.HALF_OPEN]
    await second.succeeded()
    assert await world.one.states() == []


async def test_a_probe_is_waited_for_no_longer_than_its_call_may_take(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(5)
    with within(3):
        await begin(world.one)
    (breaker,) = await world.one.states()
    assert 3 < breaker.wait <= 4


async def test_a_probe_that_is_abandoned_is_the_next_calls(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(5)
    for _ in range(3):
        (probe,) = await begin(world.one, 100)
        probe.abandoned()
        await world.settled()
    (probe,) = await begin(world.one, 100)
    await probe.failed()
    (breaker,) = await world.one.states()
    assert breaker.wait == 10


async def test_a_call_that_is_abandoned_says_nothing_of_the_service(world: World) -> None:
    for permit in await begin(world.one, 100):
        permit.abandoned()
    await calls(world.one, failed=9)
    assert await world.one.states() == []


async def test_a_probe_granted_to_a_call_that_was_cancelled_meanwhile_is_the_next_calls(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    call = asyncio.create_task(with_redis.one.acquire("mail"))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await with_redis.settled()
    assert len(await begin(with_redis.other)) == 1
