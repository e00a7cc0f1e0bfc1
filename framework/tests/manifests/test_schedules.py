"""A schedule is of a task of its module, by a name of its own, and can be kept to."""

from .conftest import Install, problems


def test_a_schedule_is_of_a_task_that_its_module_declares(install: Install) -> None:
    install(
        "alpha",
        """
        @task("alpha.sweep")
        async def sweep(run): ...

        module = Module(name="alpha", label="", schedules=(Schedule(sweep, cron="0 3 * * *"),))
        """,
    )
    assert (
        "SM007 schedule 'alpha.sweep' is of the task 'alpha.sweep', which alpha does not declare (alpha)"
        in problems("alpha")
    )


def test_two_schedules_of_one_task_are_told_apart_by_name(install: Install) -> None:
    install(
        "alpha",
        """
        from datetime import timedelta

        @task("alpha.sweep")
        async def sweep(run): ...

        module = Module(name="alpha", label="", tasks=(sweep,), schedules=(
            Schedule(sweep, cron="0 3 * * *"), Schedule(sweep, every=timedelta(hours=1)),
        ))
        """,
    )
    assert "SM006 schedule 'alpha.sweep' is declared 2 times (alpha)" in problems("alpha")


def test_a_schedule_that_cannot_be_is_told_with_its_module(install: Install) -> None:
    install(
        "alpha",
        """
        @task("alpha.sweep")
        async def sweep(run): ...

        schedules = (Schedule(sweep, cron="0 3 * * *", timezone="Europe/Berln"),)
        module = Module(name="alpha", label="", tasks=(sweep,), schedules=schedules)
        """,
    )
    said = problems("alpha")
    assert "alpha" in said
    assert "schedule alpha.sweep: there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?" in said
