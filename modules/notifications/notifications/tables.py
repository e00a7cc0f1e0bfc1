from datetime import datetime
from uuid import UUID

from framework.database import module_metadata, type_map
from sqlalchemy import Index, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7


class Base(DeclarativeBase):
    metadata = module_metadata("notifications")
    type_annotation_map = type_map | {str: Text()}


class Notice(Base):
    """Something that one person is told."""

    __tablename__ = "notice"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    account_id: Mapped[UUID]
    """Of ``users``: its id only, since no foreign key crosses modules. The notices go with the account."""
    title: Mapped[str]
    body: Mapped[str]
    path: Mapped[str | None]
    """The page that it is about."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    read_at: Mapped[datetime | None]

    __table_args__ = (
        Index("notice_account_ix", "account_id", "created_at", "id"),
        # What every open page asks twice a minute.
        Index("notice_unread_ix", "account_id", postgresql_where=text("read_at IS NULL")),
    )
