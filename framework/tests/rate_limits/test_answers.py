"""What an answer says of its limits: on every one, whoever made it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

type Limited = Callable[..., FastAPI]
type Ask = Callable[..., Awaitable[httpx.Response]]
FIELDS = ("ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def fields(answer: httpx.Response) -> list[str | None]:
    return [answer.headers.get(name) for name in FIELDS]


async def test_an_admitted_request_is_told_what_is_left_of_the_tightest_rule(limited: Limited, ask: Ask) -> None:
    app = limited()
    answer = await ask(app, "address")
    assert answer.status_code == 200
    assert fields(answer) == [
        '"seamark.address";q=600;w=60, "things.address";q=3;w=60',
        '"things.address";r=2;t=20',
        "3",
        "2",
        "20",
    ]
    assert fields(await ask(app, "address"))[1] == '"things.address";r=1;t=40'


async def test_a_refusal_is_a_problem_document_with_the_real_wait(limited: Limited, ask: Ask) -> None:
    app = limited()
    for _ in range(3):
        assert (await ask(app, "address")).status_code == 200
    answer = await ask(app, "address")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "code": "rate_limit.exceeded",
        "detail": "Too many requests. Try again in 20 seconds.",
        "correlation_id": answer.headers["x-correlation-id"],
    }
    # A third of the period, not all of it: that is when the next request is admitted.
    assert answer.headers["retry-after"] == "20"
    assert fields(answer)[1:] == ['"things.address";r=0;t=20', "3", "0", "20"]
    assert answer.headers["cache-control"] == "no-store"
    assert all(answer.headers.get_list(name, split_commas=False) == [answer.headers[name]] for name in FIELDS)


async def test_after_the_wait_it_was_told_a_request_is_admitted_and_not_a_moment_before(
    limited: Limited, ask: Ask
) -> None:
    app = limited(redis_url="redis://127.0.0.1:1/0")
    limiter, now = app.state.application.limiter, 0
    limiter.clock = lambda: now
    statuses = [(await ask(app, "address")).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    now = 20_000_000 - 1
    refused = await ask(app, "address")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    now += 1
    assert [(await ask(app, "address")).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("signed-in", 401),
        ("unknown", 404),
        ("number/x", 422),
        ("broken", 500),
        ("/nowhere", 404),
        ("/api/things/live", 404),
    ],
)
async def test_errors_say_it_too(limited: Limited, ask: Ask, path: str, status: int) -> None:
    answer = await ask(limited(), path)
    assert answer.status_code == status
    assert all(fields(answer))


async def test_guesses_at_what_one_may_not_see_are_counted(limited: Limited, ask: Ask) -> None:
    app = limited()
    assert [(await ask(app, "signed-in")).status_code for _ in range(4)] == [401, 401, 401, 429]


async def test_what_costs_nothing_is_neither_counted_nor_labelled(limited: Limited, ask: Ask) -> None:
    app = limited(rate_limits="seamark.address=1/3600")
    for _ in range(3):
        answer = await ask(app, "free")
        assert (answer.status_code, fields(answer)) == (200, [None] * 5)


async def test_a_handshake_is_refused_like_a_request(limited: Limited, handshake: Any) -> None:
    app = limited(rate_limits="things.address=1/60")
    # The address of these is unknown, so they share one bucket.
    await app.state.application.limiter.charge(app.state.application.modules[0].rate_limits[2], "unknown")
    refusal, _ = await handshake(app, "/api/things/live")
    assert (refusal["type"], refusal["status"]) == ("websocket.http.response.start", 429)
    assert dict(refusal["headers"])[b"retry-after"] == b"60"


async def test_a_route_of_a_higher_cost_takes_more(limited: Limited, ask: Ask) -> None:
    app = limited()
    first, second, third = [await ask(app, "costly") for _ in range(3)]
    assert [first.headers["x-ratelimit-remaining"], second.headers["x-ratelimit-remaining"]] == ["6", "2"]
    assert (third.status_code, third.headers["x-ratelimit-remaining"], third.headers["retry-after"]) == (429, "2", "12")


async def test_a_cost_above_the_limit_empties_the_bucket(limited: Limited, ask: Ask) -> None:
    app = limited(rate_limits="things.costly=2/60")
    assert [(await ask(app, "costly")).status_code for _ in range(2)] == [200, 429]
