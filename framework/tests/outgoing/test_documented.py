"""docs/resilience.md does what it says of calls to other services: its route is served, and its test passes."""

import inspect
import re
import types
from collections.abc import Callable
from types import ModuleType
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application, CurrentApplication
from framework.outgoing import Degraded, OutgoingError
from framework.outgoing.testing import allowing
from framework.policies import policy, public
from framework.problems import Problem
from framework.routing import Router
from host.dev.environment import CLONE
from host.testing.service import Service, answer, hang_up, silence
from pydantic import BaseModel

from .test_forbidden_addresses import PAYLOADS

type Build = Callable[..., FastAPI]

PAGE = CLONE / "docs" / "resilience.md"
IMPORTED = (
    Application,
    BaseModel,
    Degraded,
    OutgoingError,
    Problem,
    Router,
    answer,
    hang_up,
    policy,
    quote,
)


def example() -> ModuleType:
    """Its two blocks as one module, which they are as the files of a module and of its tests."""
    section = PAGE.read_text().partition("## Calling other services")[2].partition("\n##")[0]
    module = types.ModuleType("orders.routes")
    module.__dict__.update({item.__name__: item for item in IMPORTED})
    module.__dict__.update(CurrentApplication=CurrentApplication, public=public, routes=module)
    for block in re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    return module


async def test_the_page_does_what_it_says(
    build: Build,
    browse: Callable[[FastAPI], httpx.AsyncClient],
    application_of: Callable[[FastAPI], Application],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = example()
    app = build(orders.router)
    async with Service() as service, allowing(application_of(app), service.address):
        running = orders.test_rates_are_not_available_for_a_while(browse(app), service, monkeypatch)
        assert inspect.iscoroutine(running)
        await running


async def test_its_other_answers(
    build: Build,
    browse: Callable[[FastAPI], httpx.AsyncClient],
    application_of: Callable[[FastAPI], Application],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = example()
    app = build(orders.router)
    async with Service(answer(404), answer(500), silence) as service, allowing(application_of(app), service.address):
        monkeypatch.setattr(orders, "RATES", service.url)
        client = browse(app)
        answers = [await client.get("/api/orders/rates/XXX") for _ in range(3)]
    assert [(item.status_code, item.json()["code"]) for item in answers] == [
        (404, "orders.unknown_currency"),
        (503, "orders.rates_unavailable"),
        (503, "orders.rates_unavailable"),
    ]


def test_every_code_is_on_the_page() -> None:
    text = PAGE.read_text()
    classes: list[type[OutgoingError]] = [OutgoingError, *OutgoingError.__subclasses__()]
    assert {kind.answer[1] for kind in classes} - set(re.findall(r"outgoing\.\w+", text)) == set()
    assert [kind.__name__ for kind in classes[1:] if f"`{kind.__name__}`" not in text] == []


def test_as_many_urls_are_refused_as_the_page_says() -> None:
    assert f"{len(PAYLOADS)} URLs" in PAGE.read_text()
