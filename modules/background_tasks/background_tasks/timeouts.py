"""The times of tasks, as rungs of the ladder."""

from framework.timeouts import Configured, Timeout

from background_tasks.codes import SM025, SM026, SM027
from background_tasks.settings import BackgroundTasksSettings


def _own(configured: Configured) -> BackgroundTasksSettings:
    own = configured.of(BackgroundTasksSettings)
    assert isinstance(own, BackgroundTasksSettings)
    return own


timeouts = (
    Timeout(
        name="background_tasks.soft_limit",
        ends="The slowest task, or step of one",
        seconds=lambda configured: max((task.soft_limit for task in configured.tasks), default=None),
        set_by="soft_limit= of the task",
        then="it is cancelled, rolled back and tried again",
        before=("background_tasks.shutdown_grace",),
        judged_by=SM027.id,
    ),
    Timeout(
        name="background_tasks.shutdown_grace",
        ends="A worker's finishing what it has begun",
        seconds=lambda configured: _own(configured).shutdown_grace,
        set_by="SM_BACKGROUND_TASKS_SHUTDOWN_GRACE",
        then="its tasks are handed back",
    ),
    Timeout(
        name="background_tasks.hard_limit",
        ends="The slowest task's process",
        seconds=lambda configured: max((task.hard_limit for task in configured.tasks), default=None),
        set_by="hard_limit= of the task",
        then="it is killed",
        before=("background_tasks.lease",),
        judged_by=SM025.id,
    ),
    Timeout(
        name="background_tasks.lease",
        ends="A worker's silence about a task",
        seconds=lambda configured: _own(configured).lease,
        set_by="SM_BACKGROUND_TASKS_LEASE",
        then="Postgres ends its transaction, and another worker has it",
        before=("background_tasks.visibility",),
        judged_by=SM026.id,
    ),
    Timeout(
        name="background_tasks.visibility",
        ends="The broker's patience for a message",
        seconds=lambda configured: _own(configured).visibility_timeout,
        set_by="SM_BACKGROUND_TASKS_VISIBILITY_TIMEOUT",
        then="it is delivered again",
    ),
)
"""Each is compared with the next by a check of this module, task by task; here they are for the table."""
