from framework.module import Module, Permission

from background_tasks.health import checks
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
    health=checks,
)
