"""People, the organisations they belong to, and imports of files with people."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from framework.database import module_metadata, type_map
from sqlalchemy import BigInteger, Computed, Enum, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7


class Base(DeclarativeBase):
    metadata = module_metadata("contacts")
    type_annotation_map: ClassVar = {**type_map, str: Text, list[str]: ARRAY(Text)}


# What is compared and sorted is written by us in one form (see matching.py), so bytes decide: the same order in every
# database, whatever its locale, and no index to rebuild when a locale changes.
KEY = Text(collation="C")
LIVE = text("deleted_at IS NULL")
DELETED = text("deleted_at IS NOT NULL")


class Organisation(Base):
    __tablename__ = "organisation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(KEY, unique=True)


class Contact(Base):
    __tablename__ = "contact"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(KEY)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(KEY)
    phone: Mapped[str | None]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey(Organisation.id), index=True)
    notes: Mapped[str | None]
    tags: Mapped[list[str]]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counted up by every change, so that nobody overwrites what they have not seen."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]
    search_text: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)
    """The words that find this contact."""
    search: Mapped[str] = mapped_column(
        TSVECTOR, Computed("to_tsvector('simple', search_text)", persisted=True), deferred=True, deferred_raiseload=True
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy types it
    __table_args__ = (
        Index("contact_email_live_key", "email_key", unique=True, postgresql_where=LIVE),
        # An import revives the contact that was deleted last.
        Index("contact_email_deleted_ix", "email_key", "deleted_at", postgresql_where=DELETED),
        Index("contact_name_ix", "name_key", "id", postgresql_where=LIVE),
        Index("contact_created_ix", "created_at", "id", postgresql_where=LIVE),
        Index("contact_updated_ix", "updated_at", "id", postgresql_where=LIVE),
        Index("contact_search_ix", "search", postgresql_using="gin"),
    )


class ImportStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Import(Base):
    __tablename__ = "import"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    status: Mapped[ImportStatus] = mapped_column(
        Enum(
            ImportStatus,
            native_enum=False,
            length=20,
            values_callable=lambda statuses: [item.value for item in statuses],
        ),
        default=ImportStatus.QUEUED,
    )
    filename: Mapped[str]
    encoding: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    """In bytes."""
    columns: Mapped[list[str]]
    """Of the file's header, in its order."""
    first_row: Mapped[int]
    """Where the header ends, in bytes from the beginning."""
    first_line: Mapped[int]
    processed: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    message: Mapped[str | None]
    started_by: Mapped[UUID | None]
    """An account of ``users``: its id only, since no foreign key crosses modules. ``None`` once it is deleted."""
    task_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(index=True)


class ImportChunk(Base):
    """The uploaded file in pieces of one size, where every worker can read it.

    Gone once the import has ended, unless it failed: then it stays as long as the import, which may go on.
    """

    __tablename__ = "import_chunk"

    import_id: Mapped[UUID] = mapped_column(ForeignKey(Import.id, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class ImportRejection(Base):
    __tablename__ = "import_rejection"

    import_id: Mapped[UUID] = mapped_column(ForeignKey(Import.id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Of the row, in bytes from the beginning of the file."""
    line: Mapped[int]
    reason: Mapped[str]
    cells: Mapped[list[str]]
