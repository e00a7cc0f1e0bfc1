"""The ladder of timeouts is strict: as it is shipped, and `sm doctor` tells where somebody's settings break it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.responses import StreamingResponse
from framework.findings import Finding, Level
from framework.ladder import configured, ladder, out_of_order
from framework.loader import load_modules
from framework.module import Module
from framework.policies import policy, public
from framework.routing import Router
from framework.settings import Settings
from framework.timeouts import Timeout
from host.reference import timeouts


def findings(*modules: Module, **settings: Any) -> list[Finding]:
    """With settings and modules as they are shipped, but for what is given."""
    enabled = modules or load_modules(None)
    values = Settings.model_construct(**settings)
    return list(out_of_order(ladder(enabled), configured(values, enabled, lambda cls: cls.model_construct())))


def said(*modules: Module, **settings: Any) -> list[str]:
    return [f"{finding.code} {finding.message}" for finding in findings(*modules, **settings)]


def test_as_it_is_shipped_it_is_strict() -> None:
    assert said() == []


def test_every_rung_names_others_that_there_are() -> None:
    rungs = {rung.name: rung for rung in ladder(load_modules(None))}
    assert {name for rung in rungs.values() for name in rung.before} <= rungs.keys()
    outermost = {name for name, rung in rungs.items() if not rung.before}
    assert "request.deadline" not in outermost
    assert "database.statement" not in outermost


@pytest.mark.parametrize(
    ("settings", "inner", "outer"),
    [
        ({"database_statement_timeout": 30}, "A statement", "a request"),
        ({"database_statement_timeout": 31}, "A statement", "a request"),
        ({"database_pool_timeout": 30}, "The wait for a connection of the pool", "a request"),
        ({"outgoing_read_timeout": 30}, "Another service's silence", "a call of another service"),
        ({"request_deadline": 5, "database_statement_timeout": 4}, "Connecting to Postgres", "a request"),
        ({"request_deadline": 0.1, "database_statement_timeout": 0.05}, "An exchange with Redis", "a request"),
        ({"database_idle_timeout": 30}, "A request", "a transaction that does nothing"),
    ],
)
def test_one_that_is_not_shorter_than_what_is_around_it_is_an_error(
    settings: dict[str, float], inner: str, outer: str
) -> None:
    found = [item for item in findings(**settings) if item.message.startswith(inner)]
    assert outer in found[0].message
    assert {(item.code, item.level) for item in found} == {("SM045", Level.ERROR)}
    assert found[0].hint.startswith("lower ")


def slow_module(deadline: float, returns: type[object]) -> Module:
    router = Router("slow")

    @policy(public, deadline=deadline)
    async def route() -> Any: ...

    route.__annotations__["return"] = returns
    router.get("/slow", response_model=None)(route)
    return Module(name="slow", label="Slow", router=router)


def test_a_route_that_the_proxy_does_not_wait_for_is_a_warning() -> None:
    slow = slow_module(36, dict)
    (finding,) = findings(slow)
    assert finding.level is Level.WARNING
    assert "may take 41 s, and nginx's wait for an answer" in finding.message
    assert "SM_PROXY_READ_TIMEOUT" in finding.hint
    assert said(slow, proxy_read_timeout=42) == []
    assert said(slow_module(36, StreamingResponse)) == []


def test_a_module_may_add_rungs(settings_of_rung: Callable[..., Timeout]) -> None:
    module = Module(name="slow", label="Slow", timeouts=(settings_of_rung(30.0), settings_of_rung(29.0)))
    assert said(module) == ["SM045 A module's work (fixed) may take 30 s, and a request (SM_REQUEST_DEADLINE) 30"]


@pytest.fixture
def settings_of_rung() -> Callable[..., Timeout]:
    return lambda seconds: Timeout(
        name=f"slow.work.{seconds:g}",
        ends="A module's work",
        seconds=lambda _: seconds,
        set_by="fixed",
        then="it fails",
        before=("request.deadline", "nowhere.to_be_found"),
    )


def test_the_table_in_the_documentation_has_every_rung() -> None:
    modules = load_modules(None)
    text = timeouts(modules)
    assert [rung.ends for rung in ladder(modules) if f"| {rung.ends} |" not in text] == []
