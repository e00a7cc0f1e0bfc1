"""docs/resilience.md does what it says of rate limits."""

import re
import types
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI
from framework.application import CurrentApplication
from framework.manifest_rules import problems_of
from framework.module import Module
from framework.policies import policy, public
from framework.rate_limits import Per, RateLimit
from framework.routing import Router
from host.dev.environment import CLONE

PAGE = CLONE / "docs" / "resilience.md"
SECTION = PAGE.read_text().partition("## Rate limits")[2].partition("\n## ")[0]
IMPORTED = (Module, Per, RateLimit, Router, policy)


def example() -> Any:
    module = types.ModuleType("orders.module")
    module.__dict__.update({item.__name__: item for item in IMPORTED})
    module.__dict__.update(CurrentApplication=CurrentApplication, public=public)
    for block in re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    return module


async def test_its_module_is_limited_as_it_says(
    build: Callable[..., FastAPI], browse: Callable[[FastAPI], httpx.AsyncClient]
) -> None:
    orders = example()
    assert list(problems_of([orders.module])) == []
    client = browse(build(orders.router, limits=orders.module.rate_limits, rate_limits=""))
    first = await client.get("/api/orders/export.csv")
    [shown] = re.findall(r"^```http\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    for line in shown.splitlines():
        name, _, value = line.partition(": ")
        assert first.headers[name] == value
    assert [(await client.get("/api/orders/export.csv")).status_code for _ in range(5)] == [200] * 4 + [429]


async def test_its_own_charges_are_counted_by_their_key(
    build: Callable[..., FastAPI], browse: Callable[[FastAPI], httpx.AsyncClient]
) -> None:
    orders = example()
    client = browse(build(orders.router, limits=orders.module.rate_limits))

    async def quote(customer: str) -> int:
        return (await client.get(f"/api/orders/quotes/{customer}")).status_code

    assert [await quote("ada") for _ in range(6)] == [200] * 5 + [429]
    assert await quote("bob") == 200
