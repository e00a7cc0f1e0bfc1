from framework.settings import ModuleSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class BackgroundTasksSettings(ModuleSettings):
    model_config = SettingsConfigDict(env_prefix="SM_BACKGROUND_TASKS_")

    lease: float = Field(
        30,
        gt=0,
        description="Seconds after which a published task that nobody has begun is published again: the longest that a "
        "loss in the broker or a killed worker can delay it.",
    )
    queue_depth: int = Field(
        1000,
        gt=0,
        description="Messages that a queue of the broker may hold. A longer backlog stays in Postgres, where it is safe.",
    )
    poll: float = Field(1, gt=0, description="Seconds after which a relay looks for due tasks without being woken.")
