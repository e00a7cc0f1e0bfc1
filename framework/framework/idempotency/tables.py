from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, SmallInteger, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework.database import module_metadata, type_map


class Base(DeclarativeBase):
    metadata = module_metadata("seamark")
    type_annotation_map = type_map | {bytes: LargeBinary(), list[Any]: JSONB(none_as_null=True)}


class IdempotencyKeyRow(Base):
    """A request that took effect, and what it was answered. Found by the person who sent it only."""

    __tablename__ = "idempotency_key"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    """Its SHA-256: whatever a client put into a key is not kept."""
    fingerprint: Mapped[bytes]
    """SHA-256 of method, path, query and body: a key belongs to one request."""
    status: Mapped[int | None] = mapped_column(SmallInteger)
    """Unset where the answer was too large to keep."""
    headers: Mapped[list[Any] | None]
    """Pairs of name and value, as the route set them."""
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
