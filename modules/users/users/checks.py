from collections.abc import Iterator

from framework.application import Application
from framework.checks import Check
from framework.codes import SM015
from framework.findings import Code, Finding, Level
from framework.settings import settings_of
from sqlalchemy import select

from users.password_rules import objection
from users.settings import UsersSettings
from users.tables import Account

SM101 = Code(
    "SM101",
    "The first administrator's password is weak",
    Level.WARNING,
    "`SM_USERS_BOOTSTRAP_PASSWORD` would be refused if a person chose it. It is used all the same, because nobody could "
    "sign in otherwise: change it after the first sign-in.",
)
SM102 = Code(
    "SM102",
    "The first administrator's password is still configured",
    Level.INFO,
    "There are accounts, so `SM_USERS_BOOTSTRAP_EMAIL` and `SM_USERS_BOOTSTRAP_PASSWORD` do nothing any more but lie around.",
)


def _weak_bootstrap_password(_: Application) -> Iterator[Finding]:
    settings = settings_of(UsersSettings)
    if settings.bootstrap_email and settings.bootstrap_password:
        reason = objection(settings.bootstrap_password.get_secret_value(), email=settings.bootstrap_email, name="")
        if reason is not None:
            yield SM101.finding("SM_USERS_BOOTSTRAP_PASSWORD is weak", hint=reason)


async def _administrators(application: Application) -> list[Finding]:
    async with application.database.unit_of_work(read_only=True) as session:
        if await session.scalar(select(select(Account.id).where(Account.administrator, Account.active).exists())):
            return []
    return [SM015.finding("no active account is an administrator", hint="sm create-admin")]


async def _bootstrap_is_over(application: Application) -> list[Finding]:
    if settings_of(UsersSettings).bootstrap_email is None:
        return []
    async with application.database.unit_of_work(read_only=True) as session:
        if not await session.scalar(select(select(Account.id).exists())):
            return []
    return [SM102.finding("SM_USERS_BOOTSTRAP_PASSWORD is set and does nothing any more", hint="unset both settings")]


checks = (
    Check("first administrator's password", _weak_bootstrap_password),
    Check("administrators", _administrators, dynamic=True),
    Check("first administrator's settings", _bootstrap_is_over, dynamic=True),
)
