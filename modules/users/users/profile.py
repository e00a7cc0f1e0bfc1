"""One's own account."""

from framework.principal import Principal
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from users.schemas import Me
from users.tables import Account


def of(principal: Principal) -> Me:
    return Me(
        id=principal.user_id,
        email=principal.email,
        name=principal.name,
        roles=principal.roles,
        permissions=sorted(principal.permissions),
    )


async def rename(session: AsyncSession, principal: Principal, name: str) -> Me:
    await session.execute(update(Account).where(Account.id == principal.user_id).values(name=name))
    return of(principal).model_copy(update={"name": name})
