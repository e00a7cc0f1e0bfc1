"""A module counts what its routes' policies cannot: here, mails to one address."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Query
from framework.application import CurrentApplication
from framework.policies import policy, public
from framework.rate_limits import Per, RateLimit, RateLimitExceeded
from framework.routing import Router

type Limited = Callable[..., FastAPI]
MAILS = RateLimit("things.mails", 2, period=3600, rate_class="mails")


def mailing() -> Router:
    things = Router("things")

    @things.get("/mail")
    @policy(public)
    async def mail(to: Annotated[str, Query()], application: CurrentApplication) -> None:
        await application.limiter.charge(MAILS, to)

    return things


async def test_a_refusal_inside_a_route_answers_429_with_the_fields_of_that_rule(
    limited: Limited, ask: Callable[..., Awaitable[httpx.Response]]
) -> None:
    app = limited(router=mailing())
    answers = [await ask(app, "/api/things/mail?to=ada@example.com") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1800"
    assert answers[2].headers["ratelimit"] == '"things.mails";r=0;t=1800'
    assert answers[2].headers.get_list("x-ratelimit-limit") == ["2"]
    assert (await ask(app, "/api/things/mail?to=bob@example.com")).status_code == 200


async def test_it_tells_where_one_stands_and_takes_nothing_when_it_refuses(limited: Limited) -> None:
    limiter = limited().state.application.limiter
    standing = await limiter.charge(MAILS, "ada", cost=2)
    assert (standing.admitted, standing.remaining, standing.reset) == (True, 0, 3600)
    for _ in range(3):
        with pytest.raises(RateLimitExceeded) as refusal:
            await limiter.charge(MAILS, "ada")
        assert refusal.value.standing.retry_after == 1800
    assert (await limiter.charge(MAILS, "ada", cost=0)).remaining == 0


async def test_a_rule_that_the_operator_switched_off_says_nothing(limited: Limited) -> None:
    limiter = limited(rate_limits="things.mails=off").state.application.limiter
    assert [await limiter.charge(MAILS, "ada", cost=100) for _ in range(3)] == [None, None, None]


async def test_a_rule_that_is_in_no_manifest_is_a_mistake_and_so_is_giving_back(limited: Limited) -> None:
    limiter = limited().state.application.limiter
    with pytest.raises(LookupError, match=r"things\.letters: add it to its manifest"):
        await limiter.charge(RateLimit("things.letters", 2, per=Per.EVERYBODY), "ada")
    with pytest.raises(ValueError, match="less than nothing"):
        await limiter.charge(MAILS, "ada", cost=-1)


def test_a_route_cannot_cost_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        policy(public, cost=-1)
