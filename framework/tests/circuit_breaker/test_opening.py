"""When a breaker opens, and for how long. Each with Redis and without it."""

import pytest
from framework.circuit_breaker import CircuitOpen, NotClosed, Rules, State
from framework.problems import response

from .conftest import World, begin, calls


async def test_calls_are_let_through_while_they_succeed(world: World) -> None:
    await calls(world.one, succeeded=1000)
    assert await world.one.states() == []


async def test_nine_failures_open_nothing_and_the_tenth_does(world: World) -> None:
    await calls(world.one, failed=9)
    assert await world.one.states() == []
    await calls(world.one, failed=1)
    assert await world.one.states() == [NotClosed("mail", State.OPEN, 5)]


async def test_half_of_the_calls_must_fail(world: World) -> None:
    await calls(world.one, succeeded=30, failed=29)
    assert await world.one.states() == []
    await calls(world.one, failed=1)
    assert len(await world.one.states()) == 1


async def test_failures_of_nine_seconds_ago_still_count(world: World) -> None:
    await calls(world.one, failed=9)
    world.pass_time(9)
    await calls(world.one, failed=1)
    assert len(await world.one.states()) == 1


async def test_failures_count_for_ten_seconds(world: World) -> None:
    await calls(world.one, failed=9)
    world.pass_time(9)
    await calls(world.one, succeeded=9)
    world.pass_time(1)
    # The nine that failed are out of the window, the nine that succeeded are in it.
    await calls(world.one, failed=8)
    assert await world.one.states() == []
    await calls(world.one, failed=1)
    assert len(await world.one.states()) == 1


async def test_what_is_refused_says_when_to_try_again(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(1.8)
    with pytest.raises(CircuitOpen) as refused:
        await world.one.acquire("mail")
    assert refused.value.retry_after == pytest.approx(3.2)
    answer = response(refused.value)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "4")
    assert b'"code":"outgoing.circuit_open"' in answer.body
    assert b"mail" not in answer.body


async def test_each_service_has_a_breaker_of_its_own(world: World) -> None:
    await calls(world.one, failed=10, name="mail")
    assert await begin(world.one, name="maps")


async def test_the_pause_doubles_while_probes_fail_up_to_a_minute(world: World) -> None:
    await calls(world.one, failed=10)
    pauses = []
    for _ in range(6):
        (breaker,) = await world.one.states()
        pauses.append(breaker.wait)
        world.pass_time(breaker.wait)
        await calls(world.one, failed=1)
    assert pauses == [5, 10, 20, 40, 60, 60]


async def test_a_probe_that_succeeds_closes_and_clears(world: World) -> None:
    await calls(world.one, failed=10)
    world.pass_time(5)
    await calls(world.one, failed=1)
    world.pass_time(10)
    await calls(world.one, succeeded=1)
    assert await world.one.states() == []
    await calls(world.one, failed=9)
    assert await world.one.states() == []
    await calls(world.one, failed=1)
    assert await world.one.states() == [NotClosed("mail", State.OPEN, 5)]


async def test_calls_from_before_the_breaker_opened_change_nothing_afterwards(world: World) -> None:
    before = await begin(world.one, 20)
    for permit in before[:10]:
        await permit.failed()
    world.pass_time(5)
    await before[10].succeeded()
    await before[11].failed()
    (breaker,) = await world.one.states()
    assert (breaker.state, breaker.wait) == (State.OPEN, 0)
    await calls(world.one, succeeded=1)
    for permit in before[12:]:
        await permit.failed()
    await calls(world.one, failed=2)
    assert await world.one.states() == []


async def test_an_outcome_is_told_once(world: World) -> None:
    (permit,) = await begin(world.one)
    for _ in range(20):
        await permit.failed()
        permit.abandoned()
    assert await world.one.states() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure_rate": 0},
        {"failure_rate": 1.1},
        {"calls": 0},
        {"buckets": 0},
        {"pause": 61},
        {"window": 600},
        {"probe_within": 0},
    ],
    ids=str,
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"failure_rate|judges|pause|probe_within"):
        Rules(**wrong)  # type: ignore[arg-type]
