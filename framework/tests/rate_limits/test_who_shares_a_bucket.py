"""Whose requests are counted together; nothing that a client writes is a key."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from framework.rate_limits.subject import address_key

type Limited = Callable[..., FastAPI]
type Admitted = Callable[..., Awaitable[int]]
HERE, THERE = "203.0.113.1", "203.0.113.2"


async def test_a_person_has_one_bucket_wherever_they_are_signed_in(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "person", HERE, signed_in="adas laptop") == 3
    assert await admitted(app, "person", THERE, signed_in="adas phone") == 0
    assert await admitted(app, "person", HERE, signed_in="bobs") == 3


async def test_a_sign_in_has_one_of_its_own_by_token(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "token", HERE, signed_in="adas laptop") == 3
    assert await admitted(app, "token", HERE, signed_in="adas phone") == 3
    assert await admitted(app, "token", THERE, signed_in="adas phone") == 0


@pytest.mark.parametrize("rule", ["person", "token", "address"])
async def test_without_a_session_the_address_counts(limited: Limited, admitted: Admitted, rule: str) -> None:
    app = limited()
    assert await admitted(app, rule, HERE) == 3
    assert await admitted(app, rule, HERE) == 0
    assert await admitted(app, rule, THERE) == 3


async def test_an_address_has_one_whoever_is_signed_in_there(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "address", HERE, signed_in="bobs") == 3
    assert await admitted(app, "address", HERE, signed_in="adas phone") == 0
    assert await admitted(app, "address", HERE) == 0


async def test_everybody_shares_the_one_of_everybody(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "everybody", HERE, signed_in="bobs") == 3
    assert await admitted(app, "everybody", THERE) == 0


async def test_a_rate_class_counts_its_own_routes_only(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "address", HERE) == 3
    assert await admitted(app, "person", HERE) == 3


async def test_the_frameworks_rules_tell_people_from_addresses(limited: Limited, admitted: Admitted) -> None:
    app = limited(rate_limits="seamark.principal=2/60; seamark.address=1/60")
    assert await admitted(app, "everybody", HERE, signed_in="adas laptop") == 2
    assert await admitted(app, "number/7", HERE) == 1
    # A public route does not read the cookie, so it cannot know the person.
    assert await admitted(app, "number/7", HERE, signed_in="bobs") == 0


@pytest.mark.parametrize(
    "forged",
    [
        {"X_User_ID": "{}"},
        {"X_Forwarded_For": "198.51.100.{}"},
        {"X_Real_IP": "198.51.100.{}"},
        {"Forwarded": "for=198.51.100.{}"},
        {"CF_Connecting_IP": "198.51.100.{}"},
        {"Authorization": "Bearer {}"},
        {"cookie": "__Host-seamark=1.k.{}.s"},
        {"cookie": "session={}"},
        {"User_Agent": "browser {}"},
        {"Idempotency_Key": '"key-number-{}"'},
    ],
    ids=lambda forged: next(iter(forged.items())),
)
@pytest.mark.parametrize("rule", ["person", "token", "address"])
async def test_headers_and_cookies_of_ones_own_making_are_no_fresh_bucket(
    limited: Limited, ask: Callable[..., Awaitable[Any]], rule: str, forged: dict[str, str]
) -> None:
    app, numbers = limited(), count()
    answers = [
        (
            await ask(app, rule, HERE, **{name: value.format(next(numbers)) for name, value in forged.items()})
        ).status_code
        for _ in range(6)
    ]
    assert answers == [200, 200, 200, 429, 429, 429]


async def test_sessions_that_have_ended_are_no_fresh_buckets(limited: Limited, admitted: Admitted) -> None:
    app = limited()
    assert await admitted(app, "token", HERE, signed_in="ended yesterday") == 3
    assert await admitted(app, "token", HERE, signed_in="ended today") == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
        ("2001:DB8:1:2::1", "2001:db8:1:2:0:0:0:1"),
        ("written by hand", "unix:"),
        ("203.0.113.9:4711", "_hidden"),
    ],
)
def test_addresses_that_are_one_customers_are_one_key(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


def test_networks_of_two_customers_are_two_keys() -> None:
    keys = {address_key(host) for host in ("2001:db8:1:2::1", "2001:db8:1:3::1", HERE, THERE, "unknown")}
    assert len(keys) == 5


async def test_clients_without_an_address_are_limited_together(limited: Limited) -> None:
    app = limited()

    async def status() -> int:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/api/things/address", "query_string": b"", "headers": []}
        # As uvicorn has it of a UNIX socket.
        await app(scope | {"client": None}, receive, send)
        return int(sent[0]["status"])

    assert [await status() for _ in range(4)] == [200, 200, 200, 429]


async def test_redis_holds_nothing_that_signs_somebody_in_and_forgets_it_all(
    limited: Limited, admitted: Admitted, patient_redis: Any
) -> None:
    app = limited()
    for rule in ("person", "token", "address", "everybody"):
        await admitted(app, rule, HERE, signed_in="bobs")
    keys = [key.decode() for key in await patient_redis.keys("*")]
    assert all(key.startswith("seamark:limit:") and "bobs" not in key for key in keys)
    assert all([0 < await patient_redis.pttl(key) <= 61_000 for key in keys])
