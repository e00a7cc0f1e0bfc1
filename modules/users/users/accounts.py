"""Accounts as those see them who manage them."""

from collections.abc import Collection
from uuid import UUID

import structlog
from framework.events import publish
from framework.listing import Listing
from framework.principal import Principal
from framework.problems import Problem
from sqlalchemy import Text, and_, bindparam, case, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from users import roles, sessions, throttle
from users.authentication import ADMINISTRATOR
from users.contract import AccountDeleted
from users.schemas import AccountBody, AccountOut, NewAccountBody
from users.tables import Account, AccountRole

log = structlog.get_logger()

_account = Account.__table__.c
_assigned = select(AccountRole.role).where(AccountRole.account_id == _account.id).order_by(AccountRole.role)
_built_in = case((_account.administrator, array([ADMINISTRATOR])), else_=cast(array([]), ARRAY(Text)))
_rows = select(
    *(_account[name] for name in ("id", "email", "name", "active", "created_at", "version")),
    func.array_cat(_built_in, func.array(_assigned.scalar_subquery())).label("roles"),
)
_one = _rows.where(_account.id == bindparam("account_id"))


def _containing(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


listing = Listing(
    _rows,
    id=_account.id,
    sorts={"name": func.lower(_account.name), "email": _account.email, "created_at": _account.created_at},
    default_sort="name",
    search=lambda q: or_(_account.name.ilike(q), _account.email.ilike(q)),
    search_term=_containing,
)


async def get(session: AsyncSession, account_id: UUID) -> AccountOut:
    row = (await session.execute(_one, {"account_id": account_id})).one_or_none()
    if row is None:
        raise _not_found()
    return AccountOut(**row._mapping)


async def create(session: AsyncSession, actor: Principal, body: NewAccountBody, password_hash: str) -> AccountOut:
    account = await add(session, body.email, body.name, password_hash)
    await _assign(session, actor, account, body.roles)
    await session.flush()
    log.info("account created", account=str(account.id))
    return await get(session, account.id)


async def add(
    session: AsyncSession, email: str, name: str, password_hash: str, *, administrator: bool = False
) -> Account:
    """A new account without roles. Raises ``Problem`` 409 when somebody has the address."""
    account = Account(email=email, name=name, password_hash=password_hash, administrator=administrator)
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as error:
        if "account_email_key" not in str(error.orig):
            raise
        message = "Somebody has an account with this e-mail address."
        raise Problem(409, "users.email_taken", message, errors=[{"field": "email", "message": message}]) from None
    return account


async def change(session: AsyncSession, actor: Principal, account_id: UUID, body: AccountBody) -> AccountOut:
    """Apply what ``body`` gives. Raises ``Problem``: 404, 403 beyond one's own permissions, 409 stale or last administrator."""
    account, is_last = await _lock(session, actor, account_id)
    if body.version is not None and body.version != account.version:
        raise Problem(409, "users.stale", "Somebody else changed this account meanwhile. Reload it and try again.")
    if body.name is not None:
        account.name = body.name
    if body.roles is not None:
        await _assign(session, actor, account, body.roles)
    if body.active is not None:
        account.active = body.active
    if is_last and not (account.administrator and account.active):
        raise _last_administrator()
    if not account.active:
        await sessions.end_all(session, account_id)
    account.version += 1
    await session.flush()
    log.info("account changed", account=str(account_id), fields=sorted(body.model_fields_set))
    return await get(session, account_id)


async def remove(session: AsyncSession, actor: Principal, account_id: UUID) -> None:
    """Delete an account with its sessions and roles; other modules hear of it by an event."""
    account, is_last = await _lock(session, actor, account_id)
    if is_last:
        raise _last_administrator()
    await session.execute(delete(Account).where(Account.id == account.id))
    await publish(session, AccountDeleted(account_id=account_id))
    log.info("account deleted", account=str(account_id))


async def end_sessions(session: AsyncSession, actor: Principal, account_id: UUID) -> None:
    await _lock(session, actor, account_id)
    await sessions.end_all(session, account_id)
    log.info("sessions ended", account=str(account_id))


async def forget_failed_sign_ins(session: AsyncSession, actor: Principal, account_id: UUID) -> None:
    account, _ = await _lock(session, actor, account_id)
    await throttle.forget_all(session, account.email)
    log.info("failed sign-ins forgotten", account=str(account_id))


async def _assign(session: AsyncSession, actor: Principal, account: Account, wanted: Collection[str]) -> None:
    """Make ``wanted`` the account's roles; only those that come or go are held against ``actor``."""
    if (ADMINISTRATOR in wanted) != account.administrator:
        _refuse_unless_administrator(actor)
        account.administrator = ADMINISTRATOR in wanted
    names = set(wanted) - {ADMINISTRATOR}
    before = set(await session.scalars(select(AccountRole.role).where(AccountRole.account_id == account.id)))
    roles.refuse_beyond(actor, await roles.permissions_of(session, names ^ before))
    gone = delete(AccountRole).where(AccountRole.account_id == account.id, AccountRole.role.in_(before - names))
    await session.execute(gone)
    session.add_all(AccountRole(account_id=account.id, role=name) for name in names - before)


async def _lock(session: AsyncSession, actor: Principal, account_id: UUID) -> tuple[Account, bool]:
    """The account, and whether it is the last active administrator; locked until the end of the transaction.

    All administrators are locked along with it and in one order, so that two of them cannot demote each other at once.
    """
    administrators = and_(Account.administrator, Account.active)
    found = await session.scalars(
        select(Account)
        .where(or_(Account.id == account_id, administrators))
        .order_by(Account.id)
        .with_for_update(key_share=True)
    )
    by_id = {account.id: account for account in found}
    account = by_id.pop(account_id, None)
    if account is None:
        raise _not_found()
    if account.administrator:
        _refuse_unless_administrator(actor)
    return account, account.administrator and account.active and not by_id


def _refuse_unless_administrator(actor: Principal) -> None:
    if ADMINISTRATOR not in actor.roles:
        raise Problem(403, "users.beyond_own_permissions", "Only an administrator can do this to an administrator.")


def _not_found() -> Problem:
    return Problem(404, "users.account_not_found", "There is no such account.")


def _last_administrator() -> Problem:
    return Problem(409, "users.last_administrator", "Nobody else could administer this installation.")
