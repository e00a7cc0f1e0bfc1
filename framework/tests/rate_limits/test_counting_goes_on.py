"""Whatever happens, requests are counted: by Redis, else by their process; once each; and memory stays bounded."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from framework.middleware import retry
from framework.policies import policy, public
from framework.rate_limits import RateLimit, RateLimitExceeded, alone
from framework.rate_limits.limiter import local, refusals
from framework.rate_limits.process_buckets import ProcessBuckets
from framework.rate_limits.rule import SECOND
from framework.rate_limits.rules import Limits, Meter
from framework.request_session import Session
from framework.routing import Router
from prometheus_client import Counter
from redis.asyncio import Redis
from sqlalchemy import text

type Limited = Callable[..., FastAPI]
type Ask = Callable[..., Awaitable[httpx.Response]]
type Witness = asyncpg.Connection[asyncpg.Record]
type Admitted = Callable[..., Awaitable[int]]


def counted(counter: Counter) -> float:
    return sum(
        sample.value for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")
    )


@pytest.fixture
async def on_redis(limited: Limited, environment: dict[str, str]) -> FastAPI:
    return limited(redis_url=environment["SM_REDIS_URL"])


async def test_where_redis_cannot_count_the_process_does_and_redis_again_as_soon_as_it_can(
    on_redis: FastAPI, admitted: Admitted, patient_redis: Redis, logged: list[dict[str, Any]]
) -> None:
    # What is in the place of the bucket cannot be read as one: the script fails, and Redis answers.
    await patient_redis.lpush("seamark:limit:things.address:203.0.113.1", "not a time")
    before = counted(local)
    assert await admitted(on_redis, "address") == 3
    assert counted(local) - before == 4
    assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == [
        "Redis does not count; limits are this process's own until it does"
    ]
    await patient_redis.delete("seamark:limit:things.address:203.0.113.1")
    assert await admitted(on_redis, "address") == 0
    assert counted(local) - before == 4
    assert await patient_redis.pttl("seamark:limit:things.address:203.0.113.1") > 0


async def test_a_request_that_runs_again_after_a_lost_connection_is_charged_once(
    limited: Limited, ask: Ask, scratch_url: str, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PAUSE", 0.001)
    things, runs = Router("things"), []

    @things.get("/once")
    @policy(public, rate_class="address")
    async def once(session: Session) -> int:
        runs.append(await session.scalar(text("SELECT pg_backend_pid()")))
        if len(runs) == 1:
            await witness.execute("SELECT pg_terminate_backend($1)", runs[0])
        return int(await session.scalar(text("SELECT 1")) or 0)

    answer = await ask(limited(router=things, database_url=scratch_url), "once")
    assert (answer.status_code, len(runs), answer.headers["x-ratelimit-remaining"]) == (200, 2, "2")
    assert answer.headers.get_list("x-ratelimit-remaining") == ["2"]


async def test_refusals_are_counted_by_rule(limited: Limited, admitted: Admitted) -> None:
    counter = refusals.labels("things.address")
    before = counted(counter)
    assert await admitted(limited(), "address") == 3
    assert counted(counter) - before == 1


async def test_who_is_limited_by_the_address_of_a_proxy_is_hinted_at_once(
    limited: Limited, ask: Ask, logged: list[dict[str, Any]]
) -> None:
    app = limited()
    # A trusted proxy: the server has taken the address from the header already.
    for _ in range(5):
        await ask(app, "address", "203.0.113.9", X_Forwarded_For="203.0.113.9")
    assert not [entry for entry in logged if "SM_TRUSTED_PROXIES" in entry["event"]]
    for _ in range(6):
        await ask(app, "address", "10.0.0.7", X_Forwarded_For="203.0.113.9")
    [hint] = [entry for entry in logged if "SM_TRUSTED_PROXIES" in entry["event"]]
    assert hint["client"] == "10.0.0.7"


def flooded(most: int) -> tuple[Limits, RateLimit]:
    rule = RateLimit("things.rule", 3)
    meter = Meter(rule)
    meter.buckets = ProcessBuckets(most)
    return Limits([meter]), rule


def admits(limits: Limits, key: str, now: int) -> bool:
    return alone.charge(limits, [key], 1, now)[1]


def test_a_flood_of_keys_gives_nobody_back_what_they_have_used_up() -> None:
    limits, _ = flooded(most=10_000)
    assert [admits(limits, "guesser", 0) for _ in range(4)] == [True, True, True, False]
    for number in range(30_000):
        admits(limits, f"flood {number}", number)
    assert not admits(limits, "guesser", SECOND)
    assert len(limits.meters[0].buckets) == 10_001


def test_beyond_the_bound_newcomers_share_one_bucket_and_are_still_limited() -> None:
    limits, _ = flooded(most=100)
    assert sum(admits(limits, f"flood {number}", 0) for number in range(500)) == 100 + 3


def test_room_is_made_by_what_is_full_again() -> None:
    limits, rule = flooded(most=100)
    for number in range(100):
        admits(limits, f"flood {number}", 0)
    assert [admits(limits, "newcomer", now) for now in (1, 2, 3, 4)] == [True, True, True, False]
    later = rule.interval + 2 * SECOND
    assert [admits(limits, "newcomer", later) for _ in range(4)] == [True, True, True, False]
    assert len(limits.meters[0].buckets) < 100


async def test_a_flood_of_one_rule_leaves_the_others_alone(limited: Limited) -> None:
    app = limited(redis_url="redis://127.0.0.1:1/0")
    limiter = app.state.application.limiter
    rules = {rule.name: rule for rule in app.state.application.modules[0].rate_limits}
    for number in range(11_000):
        with suppress(RateLimitExceeded):
            await limiter.charge(rules["things.address"], f"flood {number}")
    assert [(await limiter.charge(rules["things.person"], key)).remaining for key in ("ada", "bob")] == [2, 2]
