from framework.module import Module, Navigation, Permission

from background_tasks import health
from background_tasks.checks.checks import checks
from background_tasks.command_line import commands
from background_tasks.gauges import gauges
from background_tasks.purge import purge_history, purge_keys, schedules
from background_tasks.relay.command import relay
from background_tasks.routes import router
from background_tasks.settings import BackgroundTasksSettings
from background_tasks.timeouts import timeouts
from background_tasks.worker.probe import beat_alive, worker_alive

module = Module(
    name="background_tasks",
    label="Background tasks",
    router=router,
    pages=(
        "/background_tasks",
        "/background_tasks/queues",
        "/background_tasks/workers",
        "/background_tasks/schedules",
        "/background_tasks/tasks/{id}",
    ),
    navigation=(
        Navigation("Tasks", "/background_tasks", "list-checks", "background_tasks.view", group="admin", order=35),
    ),
    permissions=(
        Permission("background_tasks.view", "See tasks and what became of them"),
        Permission("background_tasks.manage", "Retry and cancel tasks"),
    ),
    settings=BackgroundTasksSettings,
    tasks=(purge_history, purge_keys),
    schedules=schedules,
    health=health.checks,
    gauges=gauges,
    checks=checks,
    timeouts=timeouts,
    commands=(commands.group, relay, worker_alive, beat_alive),
)
