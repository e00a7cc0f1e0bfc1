"""The health page, the log and the metrics."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.health import Unhealthy
from framework.health.own import own_checks
from prometheus_client import REGISTRY

from .conftest import World, begin, calls


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0


async def test_each_transition_is_one_line_by_the_process_that_caused_it(
    world: World, logged: list[dict[str, Any]]
) -> None:
    await calls(world.one, failed=10)
    await begin(world.other)
    world.pass_time(5)
    await calls(world.one, failed=1)
    world.pass_time(10)
    await calls(world.one, succeeded=2)
    # On a busy machine Redis may be late once; that is another story.
    circuits = [line for line in logged if line["event"].startswith("circuit")]
    assert [(line["event"].partition(":")[0], line["log_level"], line.get("probe_in")) for line in circuits] == [
        ("circuit open", "warning", 5),
        ("circuit half-open", "info", None),
        ("circuit open", "warning", 10),
        ("circuit half-open", "info", None),
        ("circuit closed", "info", None),
    ]
    assert {line["breaker"] for line in logged} == {"mail"}


async def test_metrics_count_transitions_and_show_states_by_label(world: World) -> None:
    before = counted("seamark_circuit_breaker_transitions_total", name="others", to="open")
    for name in ("a.example", "b.example"):
        for _ in range(10):
            await (await world.one.acquire(name, label="others")).failed()
    assert counted("seamark_circuit_breaker_transitions_total", name="others", to="open") == before + 2
    assert counted("seamark_circuit_breakers", name="others", state="open") == 2
    world.pass_time(5)
    probe = await world.one.acquire("a.example", label="others")
    assert counted("seamark_circuit_breakers", name="others", state="half-open") == 1
    await probe.succeeded()
    await (await world.one.acquire("b.example", label="others")).succeeded()
    assert counted("seamark_circuit_breakers", name="others", state="open") == 0
    assert counted("seamark_circuit_breakers", name="others", state="half-open") == 0


@pytest.fixture
def application(build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application]) -> Application:
    """One whose Redis does not answer."""
    return application_of(build())


async def remark(application: Application) -> tuple[str, str]:
    (check,) = (check for check in own_checks if check.name == "seamark.outgoing")
    try:
        return "ok", await check.run(application) or ""
    except Unhealthy as error:
        return "degraded", str(error)


async def test_health_is_degraded_while_calls_are_held_back(application: Application) -> None:
    assert await remark(application) == ("ok", "")
    await calls(application.breakers, failed=10, name="mail.example.com")
    assert await remark(application) == (
        "degraded",
        "Calls are held back to mail.example.com (the next may try in 5 s)",
    )


async def test_health_names_five_and_counts_the_others(application: Application) -> None:
    for number in range(7):
        await calls(application.breakers, failed=10, name=f"{number}.example.com")
    _, text = await remark(application)
    assert text.count("example.com") == 5
    assert text.endswith(" and 2 more")
