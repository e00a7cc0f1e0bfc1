"""What a worker is made of, and what it refuses to start with."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from background_tasks.composition import Composition
from background_tasks.settings import BackgroundTasksSettings
from framework.module import Module
from framework.settings import Settings
from framework.tasks import TaskRun, task

ASKED = """
import json, sys
from background_tasks.celery_app import app
conf = ("worker_concurrency", "worker_prefetch_multiplier", "worker_max_tasks_per_child", "worker_max_memory_per_child")
print(json.dumps({
    "modules": sorted(sys.modules),
    "queues": sorted(app.amqp.queues.consume_from),
    "tasks": sorted(name for name in app.tasks if not name.startswith("celery.")),
    **{name: app.conf[name] for name in conf},
}))
"""


def started(*arguments: str, environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SM_")} | environment | more
    return subprocess.run(
        [sys.executable, *arguments], env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def composed(environment: dict[str, str], **more: str) -> dict[str, Any]:
    """How Celery's application is made with these settings."""
    done = started("-c", ASKED, environment=environment, **more)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def worker(environment: dict[str, str], *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    """``celery … worker`` with something that stops it."""
    celery = ("-m", "celery", "-A", "background_tasks.celery_app", "worker", "-n", "refused@%h", *options)
    return started(*celery, environment=environment, **more)


class TestLean:
    def test_it_imports_the_enabled_modules_and_no_other(self, environment: dict[str, str]) -> None:
        made = composed(environment, SM_MODULES_ENABLED="background_tasks,users")
        packages = {name.partition(".")[0] for name in made["modules"]}
        assert {"background_tasks", "users"} <= packages
        assert not packages & {"admin", "contacts", "notifications", "host", "uvicorn"}

    def test_it_runs_and_consumes_what_they_have(self, environment: dict[str, str]) -> None:
        made = composed(environment, SM_MODULES_ENABLED="background_tasks,users")
        assert {name.partition(".")[0] for name in made["tasks"]} == {"background_tasks", "users"}
        assert "default" in made["queues"]
        alone = composed(environment, SM_MODULES_ENABLED="background_tasks")
        assert alone["queues"] == ["background_tasks"]

    def test_its_settings_are_celerys(self, environment: dict[str, str]) -> None:
        made = composed(
            environment,
            SM_MODULES_ENABLED="background_tasks,users",
            SM_BACKGROUND_TASKS_QUEUES="default",
            SM_BACKGROUND_TASKS_CONCURRENCY="3",
            SM_BACKGROUND_TASKS_PREFETCH="2",
            SM_BACKGROUND_TASKS_MAX_TASKS_PER_CHILD="50",
            SM_BACKGROUND_TASKS_MAX_MEMORY_PER_CHILD="256",
        )
        assert made["queues"] == ["default"]
        assert made["worker_concurrency"] == 3
        assert made["worker_prefetch_multiplier"] == 2
        assert made["worker_max_tasks_per_child"] == 50
        assert made["worker_max_memory_per_child"] == 256 * 1024  # KiB

    def test_without_them_it_fits_the_machine_and_holds_one_message_a_child(self, environment: dict[str, str]) -> None:
        made = composed(environment, SM_MODULES_ENABLED="background_tasks")
        assert made["worker_concurrency"] == "auto"
        assert made["worker_prefetch_multiplier"] == 1

    def test_a_queue_of_which_it_has_no_task_is_refused(self, environment: dict[str, str]) -> None:
        done = started(
            "-c",
            "import background_tasks.celery_app",
            environment=environment,
            SM_BACKGROUND_TASKS_QUEUES="default,post",
        )
        assert done.returncode == 1
        assert "SM034 no task of the enabled modules is in the queue 'post'" in done.stderr
        assert "known: " in done.stderr
        assert "Traceback" not in done.stderr


class TestRefusal:
    def test_all_that_is_wrong_is_said_at_once_and_shortly(self, environment: dict[str, str]) -> None:
        wrong = {"SM_BACKGROUND_TASKS_LEASE": "50", "SM_BACKGROUND_TASKS_VISIBILITY_TIMEOUT": "40"}
        done = worker(environment, "-P", "threads", **wrong)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "Seamark cannot start: 3 problems" in said
        assert [code for code in ("SM025", "SM026", "SM028") if code not in said] == []
        assert "Traceback" not in said

    def test_a_queue_of_the_command_line_is_held_to_the_same(self, environment: dict[str, str]) -> None:
        done = worker(environment, "-Q", "default,post")
        assert done.returncode == 1
        assert "SM034" in done.stderr
        assert "Traceback" not in done.stderr

    def test_beat_asks_too(self, environment: dict[str, str]) -> None:
        done = started(
            *("-m", "celery", "-A", "background_tasks.celery_app", "beat"),
            environment=environment,
            SM_BACKGROUND_TASKS_LEASE="50",
        )
        assert done.returncode == 1
        assert "SM025" in done.stderr


@task("probe.long", soft_limit=70, hard_limit=200)
async def long(run: TaskRun) -> None: ...


@pytest.mark.direct
@pytest.mark.parametrize(
    ("setting", "value"), [("idle_in_transaction_session_timeout", "123s"), ("statement_timeout", "200s")]
)
async def test_postgres_ends_what_a_worker_holds_for_longer_than_its_lease(
    setting: str, value: str, settings: Settings, environment: dict[str, str]
) -> None:
    own = BackgroundTasksSettings(lease=123)
    composition = Composition(settings, own, (Module(name="probe", label="Probe", tasks=(long,)),), {long.name: long})
    application = composition.connect("worker")
    async with application.database.driver_connection() as connection:
        in_force = await connection.fetchval(
            "SELECT current_setting($1)::interval = $2::text::interval", setting, value
        )
    await application.close()
    assert in_force
