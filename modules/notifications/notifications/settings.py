from framework.settings import ModuleSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class NotificationsSettings(ModuleSettings):
    model_config = SettingsConfigDict(env_prefix="SM_NOTIFICATIONS_", env_ignore_empty=True)

    keep_days: float = Field(90, gt=0, description="Days after which a notice is deleted, read or not.")
