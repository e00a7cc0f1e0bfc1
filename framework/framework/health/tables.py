from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework.database import module_metadata, type_map


class Base(DeclarativeBase):
    metadata = module_metadata("seamark")
    type_annotation_map = type_map


class HealthChange(Base):
    """When a check's status changed. Two rows of one check that follow each other differ in it."""

    __tablename__ = "health_change"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    check_name: Mapped[str]
    status: Mapped[str]
    remark: Mapped[str]
    at: Mapped[datetime]
    """By the clock of the process that noticed."""
    process: Mapped[str]
    """The one that noticed first: ``host:pid``."""

    __table_args__ = (
        CheckConstraint("status IN ('ok', 'degraded', 'failed')", name="status"),
        Index("health_change_check_name_at_id_ix", "check_name", "at", "id"),
        Index("health_change_at_id_ix", "at", "id"),
    )
