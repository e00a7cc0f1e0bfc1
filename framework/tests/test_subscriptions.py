"""The registry of who is told of what, against what the enabled modules want."""

from typing import ClassVar

import pytest
from framework.application import Application
from framework.events import Event, Subscription
from framework.findings import Finding, Level
from framework.module import Module
from framework.subscriptions import differences, subscribers_of, subscription_findings
from framework.tasks import TaskRun
from framework.tasks.tables import Priority


class Sunk(Event):
    event_name: ClassVar[str] = "ships.sunk"


async def mourn(run: TaskRun, event: Sunk) -> None: ...


SHIPS = Module(name="ships", label="Ships")
CREWS = Module(name="crews", label="Crews", subscriptions=(Subscription(Sunk, mourn),))
URGENT = Module(name="crews", label="Crews", subscriptions=(Subscription(Sunk, mourn, priority=Priority.HIGH),))
INDIFFERENT = Module(name="crews", label="Crews")


@pytest.mark.parametrize(
    ("written", "enabled", "said", "level"),
    [
        ((SHIPS,), (SHIPS, CREWS), "crews is not told of ships.sunk", Level.WARNING),
        ((SHIPS, CREWS), (SHIPS, URGENT), "crews is told of ships.sunk, but not as its manifest has it", Level.WARNING),
        ((SHIPS, CREWS), (SHIPS, INDIFFERENT), "crews is told of ships.sunk, and has no handler for it", Level.WARNING),
        ((SHIPS, CREWS), (SHIPS,), "crews is told of ships.sunk, and is not enabled here", Level.INFO),
    ],
)
def test_each_difference_is_one_finding(
    written: tuple[Module, ...], enabled: tuple[Module, ...], said: str, level: Level
) -> None:
    [finding] = differences(subscribers_of(written), enabled)
    assert (finding.code, finding.message, finding.level) == ("SM040", said, level)
    assert "sm migrate" in finding.hint


def test_what_was_written_for_these_modules_is_in_order() -> None:
    assert differences(subscribers_of((SHIPS, CREWS)), (CREWS, SHIPS)) == []


async def test_a_database_that_was_migrated_for_these_modules_has_no_finding(
    application: Application, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await subscription_findings(application) == []

    monkeypatch.setattr(application, "modules", (*application.modules, CREWS))
    found: list[Finding] = await subscription_findings(application)
    assert [finding.owner for finding in found] == ["crews"]
