from framework.settings import ModuleSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class ContactsSettings(ModuleSettings):
    model_config = SettingsConfigDict(env_prefix="SM_CONTACTS_", env_ignore_empty=True)

    import_max_bytes: int = Field(100 * 1_048_576, gt=0, description="Bytes an uploaded file may have.")
    import_keep_days: float = Field(
        30, gt=0, description="Days for which a finished import and its rejected rows are kept."
    )
