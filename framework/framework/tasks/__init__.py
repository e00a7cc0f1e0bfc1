"""Background tasks: declared in a module, enqueued in its transactions, run by the workers of ``background_tasks``.

The way of a task: ``declaration`` (``enqueue``) → ``outbox`` (its row) → ``background_tasks.relay`` → Celery →
``background_tasks.worker`` → ``runner`` → ``attempt`` (its transactions), which holds the row by ``guard`` and speaks by
``signals``.
"""

from framework.tasks.declaration import Outcome, Task, step_task, task
from framework.tasks.interventions import cancel
from framework.tasks.retry import RetryLater, RetryPolicy
from framework.tasks.run import TaskRun
from framework.tasks.schedule import Missed, Schedule
from framework.tasks.tables import Priority

__all__ = [
    "Missed",
    "Outcome",
    "Priority",
    "RetryLater",
    "RetryPolicy",
    "Schedule",
    "Task",
    "TaskRun",
    "cancel",
    "step_task",
    "task",
]
