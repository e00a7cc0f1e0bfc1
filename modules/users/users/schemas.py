"""What goes in and out. Bodies refuse fields they do not declare, so nobody assigns what is not theirs (ASVS 15.3.3)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from users.email_address import EmailAddress
from users.password_rules import MAX_LENGTH


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Control and invisible characters are not allowed.")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
"""One line of text that people read."""
Password = Annotated[SecretStr, Field(max_length=MAX_LENGTH)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SignInBody(_Body):
    email: str = Field(max_length=320)
    password: Password


class ProfileBody(_Body):
    name: Line


class PasswordBody(_Body):
    current_password: Password
    new_password: Password


class NewAccountBody(_Body):
    email: EmailAddress
    name: Line
    password: Password
    roles: frozenset[str] = frozenset()


class AccountBody(_Body):
    """Only what is given changes. With ``version``, only if nobody changed the account since."""

    name: Line | None = None
    roles: frozenset[str] | None = None
    active: bool | None = None
    version: int | None = None


class RoleBody(_Body):
    label: Line
    permissions: frozenset[str]


class Me(_Answer):
    id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    permissions: list[str]


class SessionOut(_Answer):
    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str
    current: bool


class Sessions(_Answer):
    items: list[SessionOut]


class AccountOut(_Answer):
    id: UUID
    email: str
    name: str
    active: bool
    roles: list[str]
    created_at: datetime
    version: int


class RoleOut(_Answer):
    name: str
    label: str
    permissions: list[str]
    built_in: bool
    """The administrator: holds every permission and cannot be edited."""


class PermissionOut(_Answer):
    name: str
    label: str
    module: str
    """The label of the module that declares it."""
