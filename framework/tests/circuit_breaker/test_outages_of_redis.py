"""Redis goes and comes back: no breaker is open or closed for good because of it."""

from typing import Any

import pytest
from framework.circuit_breaker import CircuitOpen, NotClosed, State
from redis.exceptions import OutOfMemoryError

from .conftest import World, begin, calls


async def test_what_was_open_stays_open_for_as_long_as_redis_said(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    assert await begin(with_redis.other) == []
    with_redis.redis_answers = False
    with_redis.pass_time(4.9)
    assert await begin(with_redis.one) == await begin(with_redis.other) == []
    with_redis.pass_time(0.1)
    assert len(await begin(with_redis.one, 50)) == len(await begin(with_redis.other, 50)) == 1


async def test_a_pause_goes_on_doubling(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    await calls(with_redis.one, failed=1)
    with_redis.redis_answers = False
    with_redis.pass_time(10)
    await calls(with_redis.one, failed=1)
    assert await with_redis.one.states() == [NotClosed("mail", State.OPEN, 20)]


async def test_each_process_opens_its_own_meanwhile(with_redis: World) -> None:
    with_redis.redis_answers = False
    await calls(with_redis.one, failed=10)
    assert await begin(with_redis.one) == []
    assert await begin(with_redis.other)


async def test_calls_that_began_before_count_when_they_end_meanwhile(with_redis: World) -> None:
    began = await begin(with_redis.one, 10)
    with_redis.redis_answers = False
    for permit in began:
        await permit.failed()
    assert await begin(with_redis.one) == []


async def test_a_probe_that_began_before_closes_or_opens_when_it_ends_meanwhile(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    (probe,) = await begin(with_redis.one, 100)
    with_redis.redis_answers = False
    assert await begin(with_redis.one) == []
    await probe.succeeded()
    assert len(await begin(with_redis.one, 100)) == 100


async def test_the_shared_breaker_is_believed_again_at_once(with_redis: World) -> None:
    await calls(with_redis.other, succeeded=1)
    with_redis.redis_answers = False
    await calls(with_redis.one, failed=10)
    with_redis.redis_answers = True
    assert len(await begin(with_redis.one, 100)) == 100
    assert await with_redis.one.states() == []


async def test_a_call_that_a_process_let_through_itself_says_nothing_to_the_others(with_redis: World) -> None:
    with_redis.redis_answers = False
    began = await begin(with_redis.one, 20)
    with_redis.redis_answers = True
    await begin(with_redis.one)
    for permit in began:
        await permit.failed()
    assert await with_redis.other.states() == []


async def test_a_redis_that_lost_everything_is_told_what_was_open(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(2)
    await with_redis.redis.flushdb()
    with_redis.pass_time(3.5)
    assert len(await begin(with_redis.one, 50)) + len(await begin(with_redis.other, 50)) == 1


async def test_a_redis_that_knows_nothing_of_a_service_is_told_what_a_process_found_meanwhile(
    with_redis: World,
) -> None:
    with_redis.redis_answers = False
    await calls(with_redis.one, failed=10)
    with_redis.redis_answers = True
    assert await begin(with_redis.one) == await begin(with_redis.other) == []
    with_redis.pass_time(5)
    assert len(await begin(with_redis.other, 50)) == 1


async def test_what_is_remembered_counts_only_where_nobody_knows_better(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    await with_redis.redis.flushdb()
    with_redis.pass_time(6)
    await calls(with_redis.other, succeeded=1)
    assert len(await begin(with_redis.one, 100)) == 100


async def test_a_probe_granted_by_an_answer_that_was_lost_is_handed_on(with_redis: World) -> None:
    await calls(with_redis.one, failed=10)
    with_redis.pass_time(5)
    with_redis.answers_are_lost = True
    (own,) = await begin(with_redis.one)
    assert not own.is_shared
    with_redis.answers_are_lost = False
    assert await begin(with_redis.one) == []
    await with_redis.settled()
    assert len(await begin(with_redis.one, 50)) == 1


async def test_a_redis_that_refuses_is_none_and_is_complained_of_once(
    with_redis: World, logged: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'")

    monkeypatch.setattr(type(with_redis.one._link), "run", refuse)
    await calls(with_redis.one, failed=10)
    with pytest.raises(CircuitOpen):
        await with_redis.one.acquire("mail")
    assert [line["event"] for line in logged] == [
        "Redis refuses what breakers ask; they are this process's own",
        "circuit open: calls are refused",
    ]
