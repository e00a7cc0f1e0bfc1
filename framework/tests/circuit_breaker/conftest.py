"""Breakers of two processes, with Redis and without it, whose time the test sets."""

from asyncio import gather
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from framework.circuit_breaker import Breakers, CircuitOpen, Permit, Rules
from framework.circuit_breaker.scripts import Scripts
from framework.redis_link import Argument, RedisLink, RedisUnavailable, Script
from redis.asyncio import Redis

GIVEN_TIME = "local now = tonumber(ARGV[#ARGV])\n"
TODAY = 1_795_219_200_000_000


class Link:
    """The real one between a process and Redis, with two switches; it tells scripts the time."""

    def __init__(self, url: str, world: "World") -> None:
        self._link = RedisLink(url, "test")
        self._world = world

    @property
    def available(self) -> bool:
        return self._world.redis_answers and self._link.available

    async def run(self, script: Script, keys: Sequence[Argument], arguments: Sequence[Argument]) -> Any:
        if not self._world.redis_answers:
            raise RedisUnavailable("switched off")
        answer = await self._link.run(script, keys, (*arguments, self._world.redis_time))
        if self._world.answers_are_lost:
            raise RedisUnavailable("lost")
        return answer

    async def close(self) -> None:
        await self._link.close()


class World:
    def __init__(self, url: str, redis: Redis, rules: Rules) -> None:
        self.redis = redis
        self.redis_answers = True
        self.answers_are_lost = False
        self.redis_time, self.process_time = TODAY, 5_000_000
        scripts = Scripts.of(rules, GIVEN_TIME)
        self._links = [Link(url, self) for _ in range(2)]
        self.one, self.other = (
            Breakers(cast("RedisLink", link), rules, clock=lambda: self.process_time, scripts=scripts)
            for link in self._links
        )

    def pass_time(self, seconds: float) -> None:
        self.redis_time += round(seconds * 1e6)
        self.process_time += round(seconds * 1e6)

    async def settled(self) -> None:
        """What is told to Redis beside the calls has been told."""
        for breakers in (self.one, self.other):
            await breakers.close()

    async def close(self) -> None:
        await self.settled()
        for link in self._links:
            await link.close()


@pytest.fixture
async def with_redis(environment: dict[str, str]) -> AsyncIterator[World]:
    url = environment["SM_REDIS_URL"]
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
        world = World(url, redis, Rules())
        yield world
        await world.close()


@pytest.fixture(params=["with Redis", "without"])
async def world(request: pytest.FixtureRequest, with_redis: World) -> World:
    with_redis.redis_answers = request.param == "with Redis"
    return with_redis


async def begin(breakers: Breakers, count: int = 1, name: str = "mail") -> list[Permit]:
    """Of so many calls at once, those that are let through."""

    async def call() -> Permit | None:
        try:
            return await breakers.acquire(name)
        except CircuitOpen:
            return None

    return [permit for permit in await gather(*(call() for _ in range(count))) if permit]


async def calls(breakers: Breakers, *, failed: int = 0, succeeded: int = 0, name: str = "mail") -> None:
    """Those that succeed come first: only a failure opens."""
    for number in range(succeeded + failed):
        permit = await breakers.acquire(name)
        await (permit.succeeded() if number < succeeded else permit.failed())
