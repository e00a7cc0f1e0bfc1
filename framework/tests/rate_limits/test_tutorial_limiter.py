"""What a widely copied tutorial limiter does wrong (INCR and EXPIRE in BaseHTTPMiddleware), each as it was tried."""

from collections.abc import Awaitable, Callable
from itertools import count

import httpx
from fastapi import FastAPI

type Limited = Callable[..., FastAPI]
type Ask = Callable[..., Awaitable[httpx.Response]]


async def test_its_window_never_ends_while_requests_go_on_ours_admits_what_was_earned_meanwhile(
    limited: Limited, ask: Ask
) -> None:
    """There, each request renewed the expiry of the counter: who polls once a second is shut out for good."""
    app = limited(redis_url="redis://127.0.0.1:1/0")
    now = count(0, 1_000_000)
    app.state.application.limiter.clock = lambda: next(now)
    statuses = [(await ask(app, "address")).status_code for _ in range(125)]
    assert statuses.count(200) == 3 + 124 // 20


async def test_there_a_header_chose_the_bucket_here_nothing_does_that_a_client_writes(
    limited: Limited, ask: Ask
) -> None:
    app = limited()
    statuses = [
        (await ask(app, "person", X_User_ID=str(number), X_Forwarded_For=f"6.6.6.{number}")).status_code
        for number in range(10)
    ]
    assert statuses.count(200) == 3


async def test_there_a_429_said_nothing_of_the_limit_here_it_says_what_a_200_does(limited: Limited, ask: Ask) -> None:
    app = limited()
    admitted = await ask(app, "address")
    for _ in range(3):
        refused = await ask(app, "address")
    named = {name for name in admitted.headers if "ratelimit" in name}
    assert refused.status_code == 429
    assert named == {name for name in refused.headers if "ratelimit" in name}
    assert len(named) == 5


async def test_there_retry_after_was_the_whole_window_here_it_is_the_wait(limited: Limited, ask: Ask) -> None:
    app = limited()
    for _ in range(4):
        answer = await ask(app, "address")
    assert answer.headers["retry-after"] == "20"


async def test_there_an_outage_of_redis_was_a_500_here_limits_hold(limited: Limited, ask: Ask) -> None:
    app = limited(redis_url="redis://127.0.0.1:1/0")
    assert [(await ask(app, "address")).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
