"""What other modules may know of people: ids, and names to show beside them."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from framework.events import Event
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from users.tables import Account


class AccountName(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str


class AccountDeleted(Event):
    """An account is gone for good: forget its id, or keep it and show that the person is no longer known."""

    event_name: ClassVar[str] = "users.account_deleted"

    account_id: UUID


async def account_names(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, AccountName]:
    """The names of these accounts by id; deleted ones are missing."""
    rows = await session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {row.id: AccountName(id=row.id, name=row.name) for row in rows}
