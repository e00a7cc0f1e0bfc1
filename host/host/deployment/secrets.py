"""What is secret, wherever it is written."""

import re
from collections.abc import Iterator, Sequence

from framework.module import Module
from framework.settings import EnvironmentSettings, Settings

from host.backup.settings import BackupSettings

WITH_PASSWORD = re.compile(r"\w+://[^/\s]*:[^/\s@]+@").search
"""An address with one in it."""
OBJECT_STORAGE = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def secret_variables(modules: Sequence[Module]) -> Iterator[str]:
    """Of the settings that are never shown, and of the object storage that backups go to."""
    yield from OBJECT_STORAGE
    classes: list[type[EnvironmentSettings]] = [Settings, BackupSettings]
    classes += [module.settings for module in modules if module.settings is not None]
    for settings_cls in classes:
        prefix = settings_cls.model_config.get("env_prefix", "")
        for field, info in settings_cls.model_fields.items():
            if "SecretStr" in str(info.annotation):
                yield f"{prefix}{field}".upper()
