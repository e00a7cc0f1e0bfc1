"""What a schedule may be declared as, and what is said of the rest."""

from datetime import timedelta
from typing import Any

import pytest
from framework.tasks import Missed, Schedule, TaskRun, task
from framework.tasks.timing import Cron, Every


@task("probe.tick")
async def tick(run: TaskRun) -> None: ...


def test_it_has_an_interval_or_the_calendar_of_a_place() -> None:
    assert Schedule(tick, every=timedelta(hours=1)).timing == Every(timedelta(hours=1))
    assert Schedule(tick, cron="0 3 * * *").timing == Cron("0 3 * * *", "UTC")
    assert Schedule(tick, cron="0 3 * * *", timezone="Europe/Berlin").timing == Cron("0 3 * * *", "Europe/Berlin")


def test_it_is_named_after_its_task_and_makes_up_for_missed_runs_once() -> None:
    schedule = Schedule(tick, every=timedelta(hours=1))
    assert (schedule.entry, schedule.missed) == ("probe.tick", Missed.ONCE)
    assert Schedule(tick, every=timedelta(hours=1), name="probe.other").entry == "probe.other"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({}, "it takes either every=… or cron=…"),
        ({"every": timedelta(hours=1), "cron": "0 3 * * *"}, "it takes either every=… or cron=…"),
        ({"every": timedelta(0)}, "the interval must be positive"),
        ({"every": timedelta(seconds=1.5)}, "the interval must be of whole seconds"),
        ({"every": timedelta(hours=1), "timezone": "Europe/Berlin"}, "an interval has no time zone"),
        ({"cron": "0 25 * * *"}, "cron '0 25 * * *': '25' is no hour"),
        ({"cron": "0 3 * * MOON"}, "cron '0 3 * * MOON': 'MOON' is no day of week"),
        ({"cron": "@daily"}, "cron '@daily' must have five fields: minute, hour, day of month, month, day of week"),
        ({"cron": "* * * * * *"}, "cron '* * * * * *' must have five fields"),
        ({"cron": "0 0 31 2 *"}, "cron '0 0 31 2 *' is never due"),
        ({"cron": "* * */20 * 1L"}, "cron '* * */20 * 1L' is never due"),
        (
            {"cron": "0 3 * * *", "timezone": "Europe/Berln"},
            "no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
        ),
        ({"cron": "0 3 * * *", "timezone": "New York"}, "no time zone 'New York'; did you mean 'America/New_York'?"),
        ({"cron": "0 3 * * *", "timezone": "Mars/Base"}, "no time zone 'Mars/Base' (one of the IANA database"),
        ({"cron": "0 3 * * *", "timezone": "../zone"}, "no time zone '../zone'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^schedule probe\.tick: ") as refused:
        Schedule(tick, **said)
    assert complaint in str(refused.value)


def test_it_gives_its_task_no_arguments() -> None:
    @task("probe.keyed")
    async def keyed(run: TaskRun, *, key: str) -> None: ...

    with pytest.raises(
        TypeError, match=r"schedule probe\.keyed: its task needs key, and a schedule gives no arguments"
    ):
        Schedule(keyed, every=timedelta(hours=1))
