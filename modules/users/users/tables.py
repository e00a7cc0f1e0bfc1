"""Accounts, roles, sign-ins. The built-in role ``administrator`` is a column: it must exist, whatever is in ``role``."""

from datetime import datetime
from uuid import UUID

from framework.database import module_metadata, type_map
from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7


class Base(DeclarativeBase):
    metadata = module_metadata("users")
    type_annotation_map = type_map


class Account(Base):
    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """As ``email_address.normalise`` returns it, so that equal addresses are equal strings."""
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(Text, deferred=True, deferred_raiseload=True)
    """Argon2id in its encoded form, parameters included."""
    password_set_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was last chosen; hashing the same one anew does not count."""
    administrator: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    """Counts the changes an administrator made, so that two of them do not undo each other's."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # The guard of the last administrator and SM015 ask for these few among many.
        Index("account_administrator_ix", "id", postgresql_where=text("administrator")),
    )


class Role(Base):
    __tablename__ = "role"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    label: Mapped[str] = mapped_column(String(100))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))


class AccountRole(Base):
    __tablename__ = "account_role"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id, ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(ForeignKey(Role.name, ondelete="CASCADE"), primary_key=True, index=True)


class SignIn(Base):
    """A session: one row per sign-in, the truth that a cookie only points to."""

    __tablename__ = "session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(300))
    address: Mapped[str] = mapped_column(String(45))
    """Of the client that signed in: an IPv4 or IPv6 address, empty when it came by a socket file."""


class _Failures:
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    retry_at: Mapped[datetime]


class FailedSignIns(_Failures, Base):
    """Consecutive failures of strangers by digest of the address that was tried, whether or not it belongs to anybody."""

    __tablename__ = "failed_sign_ins"

    email_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class FailedDeviceSignIns(_Failures, Base):
    """Consecutive failures of a device that the account knows."""

    __tablename__ = "failed_device_sign_ins"

    email_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    device_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
