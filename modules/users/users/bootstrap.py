"""The first administrator: made once, while there is no account at all (ASVS 6.3.2: no default accounts)."""

import structlog
from framework.application import Application
from framework.settings import settings_of
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from users import accounts
from users.passwords import passwords
from users.settings import UsersSettings
from users.tables import Account

log = structlog.get_logger()
DEFAULT_NAME = "Administrator"
_ONLY_ONE = func.pg_advisory_xact_lock(func.hashtext("users.first_administrator"))


async def create_first_administrator(session: AsyncSession, email: str, name: str, password: str) -> bool:
    """Whether this call made it. Any number of processes may try at once: they take turns, and the first one wins."""
    await session.execute(select(_ONLY_ONE))
    if await session.scalar(select(select(Account.id).exists())):
        return False
    await accounts.add(session, email, name, await passwords().hash(password), administrator=True)
    return True


async def bootstrap(application: Application) -> None:
    """As ``SM_USERS_BOOTSTRAP_EMAIL`` and ``SM_USERS_BOOTSTRAP_PASSWORD`` say, at the start of a web process."""
    settings = settings_of(UsersSettings)
    if settings.bootstrap_email is None or settings.bootstrap_password is None:
        return
    password = settings.bootstrap_password.get_secret_value()
    async with application.database.unit_of_work() as session:
        if await create_first_administrator(session, settings.bootstrap_email, DEFAULT_NAME, password):
            log.info("first administrator created, as SM_USERS_BOOTSTRAP_EMAIL says")
