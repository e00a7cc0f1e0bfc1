"""What ``sm backup`` and ``sm restore`` read."""

from pathlib import Path
from typing import Annotated

from framework.keyring import KeyRing
from framework.setting_types import PostgresUrl, split_commas
from framework.settings import EnvironmentSettings
from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from host.backup import BackupError


class BackupSettings(EnvironmentSettings):
    """``SM_BACKUP_…``. Object storage takes its credentials from ``AWS_…``, as its own programs do."""

    model_config = SettingsConfigDict(env_prefix="SM_BACKUP_")

    target: str = Field(
        description="Where backups go: a folder, or `s3://bucket/prefix` with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, "
        "`AWS_REGION` and, where it is not Amazon's, `AWS_ENDPOINT`. Never the disk that Postgres is on."
    )
    database_url: PostgresUrl | None = Field(
        None,
        description="A role with `REPLICATION`. Unset: `SM_DATABASE_DIRECT_URL`, then `SM_DATABASE_URL`; never PgBouncer.",
    )
    slot: str = Field(
        "seamark_backup",
        pattern=r"^[a-z0-9_]{1,63}$",
        description="The replication slot for which Postgres keeps WAL until it is received.",
    )
    keep: int = Field(7, ge=1, description="Base backups that are kept, with all WAL since the oldest of them.")
    spool: Path | None = Field(
        None,
        description="A folder that outlives the process, for what is on its way to object storage. Needed with one.",
    )
    upload_every: float = Field(
        5, gt=0, description="Seconds between looks at what was received; so old is the copy in object storage at most."
    )
    postgres_bin: Path | None = Field(
        None,
        description="The folder with `pg_basebackup`. Unset: `PATH`, the system's packages, the embedded Postgres.",
    )


class Installation(EnvironmentSettings):
    """What a backup reads of the application's own settings; none of it is required."""

    model_config = SettingsConfigDict(env_prefix="SM_")

    database_url: PostgresUrl | None = None
    database_direct_url: PostgresUrl | None = None
    database_pgbouncer: bool = False
    secret_key: SecretStr | None = None
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_commas)] = ()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Of the key that signs and those that verify: which they are, and nothing about them."""
        secrets = [self.secret_key] if self.secret_key else []
        return tuple(
            KeyRing([secret.get_secret_value()], "backup").sign("")[0]
            for secret in [*secrets, *self.secret_key_fallbacks]
        )


def url_of(settings: BackupSettings, installation: Installation) -> str:
    """Of Postgres itself. Raises ``BackupError`` where only PgBouncer's is known."""
    url = settings.database_url or installation.database_direct_url
    if url is None and not installation.database_pgbouncer:
        url = installation.database_url
    if url is None:
        raise BackupError(
            "where Postgres is, is not known: set SM_BACKUP_DATABASE_URL to postgresql+asyncpg://role:password@host/database, "
            "past PgBouncer, of a role with REPLICATION"
        )
    return url.get_secret_value()
