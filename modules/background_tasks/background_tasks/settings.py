from framework.setting_types import CommaSeparated
from framework.settings import ModuleSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class BackgroundTasksSettings(ModuleSettings):
    """Seconds, unless said otherwise. Soft limits < hard limits < lease (≤ visibility timeout), and soft limits < shutdown grace."""

    model_config = SettingsConfigDict(env_prefix="SM_BACKGROUND_TASKS_")

    queues: CommaSeparated | None = Field(
        None, description="Comma-separated queues that a worker consumes. Unset: those of all tasks that it knows."
    )
    concurrency: int | None = Field(
        None, ge=1, description="Tasks that a worker runs at a time, each in a process. Unset: as many as processors."
    )
    workers: int = Field(
        1,
        ge=1,
        description="Workers that run at a time, on all machines together; for `SM033`, which counts connections.",
    )
    prefetch: int = Field(
        1, ge=1, description="Messages that a worker holds for each of them: 1 is the one that runs, more wait with it."
    )
    max_tasks_per_child: int | None = Field(
        None, ge=1, description="Tasks after which a worker's process is replaced. Unset: never for their number."
    )
    max_memory_per_child: int | None = Field(
        512, ge=64, description="MiB: a worker's process that has held more is replaced after its task."
    )
    lease: float = Field(
        300,
        gt=0,
        description="Seconds that a worker may hold a task without a sign of life. Then Postgres ends its transaction, "
        "and another worker has it.",
    )
    republish_after: float = Field(
        30,
        gt=0,
        description="Seconds after which a published task that nobody has begun is published again: the longest that a "
        "loss in the broker can delay it.",
    )
    visibility_timeout: float | None = Field(
        None,
        gt=0,
        description="Seconds after which the broker delivers again what a worker took and has not finished. Unset: never, "
        "for Postgres publishes again what was lost; workers save two round trips to the broker for each task.",
    )
    queue_depth: int = Field(
        1000,
        gt=0,
        description="Messages of a priority and of more urgent ones that a queue of the broker may hold. A longer backlog "
        "stays in Postgres, where it is safe.",
    )
    poll: float = Field(
        1, gt=0, le=10, description="Seconds after which a relay looks for due tasks without being woken; at most 10."
    )
    shutdown_grace: float = Field(
        75,
        gt=0,
        description="Seconds for tasks to finish once their worker is told to stop; then they are handed back.",
    )
    cancel_grace: float = Field(
        10, gt=0, description="Seconds for a task to end once it is cancelled; then its process is killed."
    )
    stale_after: float = Field(
        20, gt=0, description="Seconds after which a worker that takes nothing, though tasks wait for it, ends itself."
    )
    retention_days: float = Field(30, gt=0, description="Days for which a task is kept after it has ended.")
    dead_letter_retention_days: float = Field(90, gt=0, description="The same for one that has failed for good.")
