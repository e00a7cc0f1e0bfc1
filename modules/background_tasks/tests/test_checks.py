"""Each thing that is wrong with how tasks are set up has its code, and that one only."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from background_tasks.broker import worker_configuration
from background_tasks.checks.broker import memory_findings, persistence_findings, sharing_findings
from background_tasks.checks.celery import celery_findings, effective
from background_tasks.checks.checks import (
    checks,
    connection_findings,
    pgbouncer_findings,
    place_findings,
    time_findings,
)
from background_tasks.composition import only_known
from background_tasks.settings import BackgroundTasksSettings
from celery import Celery
from framework.application import Application, connect
from framework.checks import run_checks
from framework.findings import BootError, Finding, Level
from framework.settings import Settings
from framework.tasks import TaskRun, task


@task("probe.quick", soft_limit=60, hard_limit=90)
async def quick(run: TaskRun) -> None: ...


@task("probe.slow", soft_limit=60, hard_limit=300)
async def slow(run: TaskRun) -> None: ...


@task("probe.patient", soft_limit=75, hard_limit=90)
async def patient(run: TaskRun) -> None: ...


def found(findings: Iterable[Finding]) -> list[tuple[str, Level]]:
    return [(finding.code, finding.level) for finding in findings]


def own(**changes: Any) -> BackgroundTasksSettings:
    return BackgroundTasksSettings(**changes)


def production(redis_url: str, **changes: Any) -> Settings:
    return Settings(
        environment="production",
        secret_key="x" * 32,
        database_url="postgresql+asyncpg://u:p@db/seamark",
        redis_url=redis_url,
        **changes,
    )


def conf(**changes: Any) -> dict[str, Any]:
    app = Celery("test", set_as_current=False)
    app.conf.update(worker_configuration(production("redis://broker/0"), own(), ["default"]))
    return {**app.conf, "worker_pool": "prefork", "task_soft_time_limit": None, **changes}


KEPT = {"aof_enabled": 1}
FORGETFUL: dict[str, Any] = {"aof_enabled": 0}

TABLE: dict[str, tuple[Callable[[], Iterable[Finding]], list[str]]] = {
    # Times.
    "defaults": (lambda: time_findings(own(), [quick]), []),
    "no tasks": (lambda: time_findings(own(), []), []),
    "hard limit not below the lease": (lambda: time_findings(own(), [quick, slow]), ["SM025"]),
    "lease above the visibility timeout": (
        lambda: time_findings(own(visibility_timeout=600, lease=601), [quick]),
        ["SM026"],
    ),
    "lease as long as the visibility timeout": (
        lambda: time_findings(own(visibility_timeout=600, lease=600), [quick]),
        [],
    ),
    "republished after the broker delivers again": (
        lambda: time_findings(own(visibility_timeout=600, republish_after=600), [quick]),
        ["SM026"],
    ),
    "soft limit not below the grace": (lambda: time_findings(own(), [patient]), ["SM027"]),
    # Celery.
    "as we set it up": (lambda: celery_findings(conf(), own()), []),
    "early acknowledgement": (lambda: celery_findings(conf(task_acks_late=False), own()), ["SM028"]),
    "lost children's messages dropped": (
        lambda: celery_findings(conf(task_reject_on_worker_lost=False), own()),
        ["SM028"],
    ),
    "a soft limit of Celery's": (lambda: celery_findings(conf(task_soft_time_limit=5), own()), ["SM028"]),
    "threads": (lambda: celery_findings(conf(worker_pool="threads"), own()), ["SM028"]),
    "pickle": (lambda: celery_findings(conf(accept_content=["json", "pickle"]), own()), ["SM028"]),
    "no key prefix": (
        lambda: celery_findings(conf(broker_transport_options={"ack_emulation": False}), own()),
        ["SM028"],
    ),
    "a visibility timeout of Celery's": (
        lambda: celery_findings(
            conf(broker_transport_options={"visibility_timeout": 20, "global_keyprefix": "seamark:"}), own()
        ),
        ["SM028"],
    ),
    # Redis.
    "nothing evicted": (lambda: memory_findings({"maxmemory_policy": "noeviction"}), []),
    "keys evicted": (lambda: memory_findings({"maxmemory_policy": "allkeys-lru"}), ["SM029"]),
    "append-only file": (lambda: persistence_findings(KEPT, {"save": ""}, production=True), []),
    "snapshots": (lambda: persistence_findings(FORGETFUL, {"save": "3600 1"}, production=True), []),
    "nothing kept": (lambda: persistence_findings(FORGETFUL, {"save": ""}, production=True), ["SM030"]),
    # Postgres.
    "connections enough": (lambda: connection_findings(production("redis://b/0"), own(concurrency=8), 32), []),
    "connections of replicas enough": (
        lambda: connection_findings(production("redis://b/0", web_processes=4), own(concurrency=8, workers=2), 94),
        [],
    ),
    "connections of replicas short": (
        lambda: connection_findings(production("redis://b/0", web_processes=4), own(concurrency=8, workers=2), 93),
        ["SM033"],
    ),
    "connections short": (lambda: connection_findings(production("redis://b/0"), own(concurrency=8), 31), ["SM033"]),
}


@pytest.mark.parametrize("name", TABLE)
def test_it_has_its_code(name: str) -> None:
    findings, codes = TABLE[name]
    assert found(findings()) == [(code, Level.ERROR) for code in codes]


REMARKS: dict[str, tuple[Callable[[], Iterable[Finding]], str, Level]] = {
    "more than one message a child": (
        lambda: celery_findings(conf(worker_prefetch_multiplier=4), own()),
        "SM028",
        Level.WARNING,
    ),
    "eviction unknown": (lambda: memory_findings({}), "SM029", Level.INFO),
    "persistence unknown": (lambda: persistence_findings({}, {}, production=True), "SM030", Level.INFO),
    "CONFIG forbidden": (lambda: persistence_findings(FORGETFUL, {}, production=True), "SM030", Level.INFO),
    "forgetful on a laptop": (
        lambda: persistence_findings(FORGETFUL, {"save": ""}, production=False),
        "SM030",
        Level.INFO,
    ),
    "another Celery": (lambda: sharing_findings(["unacked"]), "SM031", Level.WARNING),
    "local broker": (lambda: place_findings(production("redis://localhost:6379/0")), "SM032", Level.WARNING),
    "loopback": (lambda: place_findings(production("redis://:pw@127.0.0.1:6379/0")), "SM032", Level.WARNING),
    "idle transactions behind PgBouncer": (lambda: pgbouncer_findings(own(), 0), "SM035", Level.WARNING),
    "very idle transactions behind PgBouncer": (lambda: pgbouncer_findings(own(), 601), "SM035", Level.WARNING),
}


@pytest.mark.parametrize("name", REMARKS)
def test_it_is_remarked_on(name: str) -> None:
    findings, code, level = REMARKS[name]
    assert found(findings()) == [(code, level)]


@pytest.mark.parametrize("url", ["redis://broker:6379/0", "rediss://10.0.0.7/1", "unix:///run/redis.sock"])
def test_a_broker_elsewhere_is_fine(url: str) -> None:
    assert found(place_findings(production(url))) == []


def test_a_limit_behind_pgbouncer_is_fine() -> None:
    assert found(pgbouncer_findings(own(), 300)) == []


def test_queues_without_a_task_are_listed_with_those_that_have_one() -> None:
    assert only_known(["mail"], ["default", "mail"]) == ("mail",)
    with pytest.raises(BootError) as refused:
        only_known(["mail", "post", "pots"], ["default", "mail"])
    assert found(refused.value.findings) == [("SM034", Level.ERROR)] * 2
    assert "known: default, mail" in refused.value.findings[0].hint


def test_an_option_of_the_command_line_counts() -> None:
    app = Celery("test", set_as_current=False)
    app.conf.update(worker_configuration(production("redis://broker/0"), own(), ["default"]))

    class Controller:
        soft_time_limit, prefetch_multiplier, pool_cls = 5.0, 1, "prefork"

    started: Any = Controller()
    started.app = app
    assert found(celery_findings(effective(started), own())) == [("SM028", Level.ERROR)]


class TestHere:
    """Asked of the servers of this test run."""

    async def codes(self, application: Application) -> set[str]:
        return {finding.code for finding in (await run_checks(application, checks)).findings}

    async def test_nothing_is_wrong_but_that_a_test_keeps_nothing(self, application: Application, clean: None) -> None:
        report = await run_checks(application, checks)
        assert found(report.findings) == [("SM030", Level.INFO)]

    async def test_another_celery_is_noticed_by_its_keys(self, application: Application, clean: None) -> None:
        await application.redis.hset("unacked", "1", "{}")
        assert await self.codes(application) == {"SM030", "SM031"}

    async def test_a_broker_that_is_away_is_for_sm014_to_say(
        self, make_settings: Callable[..., Settings], application: Application
    ) -> None:
        away = connect(make_settings(redis_url="redis://127.0.0.1:1/0"), (), "test")
        assert await self.codes(away) == set()
        await away.close()
