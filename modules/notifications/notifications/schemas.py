from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class NoticeItem(BaseModel):
    """``path`` is the page that it is about; ``read_at`` is ``null`` until the person has seen it."""

    id: UUID
    title: str
    body: str
    path: str | None
    created_at: datetime
    read_at: datetime | None


class Unread(BaseModel):
    """How many the person has not seen yet; 100 stands for that and more."""

    count: int
