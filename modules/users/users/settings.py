from typing import Self

from framework.settings import ModuleSettings
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from users.email_address import EmailAddress


class UsersSettings(ModuleSettings):
    # Compose and Kubernetes templates pass on what is unset as an empty string.
    model_config = SettingsConfigDict(env_prefix="SM_USERS_", env_ignore_empty=True)

    bootstrap_email: EmailAddress | None = Field(
        None, description="The first administrator, made at start-up while there is no account at all."
    )
    bootstrap_password: SecretStr | None = Field(
        None, description="That administrator's first password. Remove both settings afterwards."
    )
    password_min_length: int = Field(
        15, ge=8, le=64, description="Characters a password needs (NIST 800-63B-4: 15 where it is the only factor)."
    )
    argon2_memory: int = Field(19_456, ge=8, description="KiB of memory per password hash (OWASP: at least 19 MiB).")
    argon2_iterations: int = Field(2, ge=1, description="Passes over that memory.")
    argon2_parallelism: int = Field(1, ge=1, description="Lanes of one password hash.")
    hashing_threads: int = Field(2, ge=1, description="Password hashes that one process computes at a time.")

    @model_validator(mode="after")
    def _bootstrap_is_complete(self) -> Self:
        if (self.bootstrap_email is None) != (self.bootstrap_password is None):
            raise ValueError("SM_USERS_BOOTSTRAP_EMAIL and SM_USERS_BOOTSTRAP_PASSWORD belong together; set both")
        return self
