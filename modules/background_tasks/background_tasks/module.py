from framework.module import Module, Permission

from background_tasks import checks, health
from background_tasks.probe import worker_alive
from background_tasks.routes import router
from background_tasks.settings import BackgroundTasksSettings

module = Module(
    name="background_tasks",
    label="Background tasks",
    router=router,
    permissions=(
        Permission("background_tasks.view", "See tasks and what became of them"),
        Permission("background_tasks.manage", "Cancel tasks"),
    ),
    settings=BackgroundTasksSettings,
    health=health.checks,
    checks=checks.checks,
    commands=(worker_alive,),
)
