"""Signing in and changing one's password: what needs the password itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from framework.database import Database
from framework.sessions import SessionToken
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from users import sessions, throttle
from users.email_address import normalise
from users.passwords import passwords
from users.sessions import Client
from users.tables import Account

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew the password which this account has had since then."""

    account_id: UUID
    password_set_at: datetime
    rehashed: str | None
    """The same password under today's parameters, when they have changed."""


async def prove(database: Database, email: str, password: str) -> Proof | None:
    """Compare a password. Reads in a unit of work of its own, so that no connection is held while the hash is computed.

    An unknown address, an inactive account and a wrong password take the same work (ASVS 6.3.8).
    Raises ``Problem`` 429 after too many failures.
    """
    async with database.unit_of_work(read_only=True) as session:
        await throttle.refuse_if_waiting(session, email)
        found = (
            await session.execute(
                select(Account.id, Account.password_hash, Account.password_set_at).where(
                    Account.email == (normalise(email) or ""), Account.active
                )
            )
        ).one_or_none()
    matches = await passwords().verify(found.password_hash if found else None, password)
    if found is None or not matches:
        return None
    rehashed = await passwords().hash(password) if passwords().is_outdated(found.password_hash) else None
    return Proof(found.id, found.password_set_at, rehashed)


async def sign_in(
    session: AsyncSession, proof: Proof | None, email: str, client: Client, previous: SessionToken | None
) -> SessionToken | None:
    """Begin a session and end the one of the cookie that came along; ``None``, and one failure more, without proof."""
    account = await _proven(session, proof, email)
    if account is None:
        await throttle.count_failure(session, email)
        log.warning("sign-in failed", address=client.address)
        return None
    await throttle.forget_failures(session, email)
    await sessions.end_token(session, previous)
    log.info("signed in", account=str(account.id), address=client.address)
    return sessions.begin(session, account.id, client)


async def change_password(
    session: AsyncSession, proof: Proof | None, email: str, hashed: str | None, client: Client
) -> SessionToken | None:
    """Set a new password, end every session and begin one here (ASVS 7.4.3); ``None``, and one failure more, without proof."""
    account = await _proven(session, proof, email)
    if account is None or hashed is None:
        await throttle.count_failure(session, email)
        return None
    await throttle.forget_failures(session, email)
    account.password_hash = hashed
    account.password_set_at = datetime.now(UTC)
    await sessions.end_all(session, account.id)
    log.info("password changed", account=str(account.id))
    return sessions.begin(session, account.id, client)


async def _proven(session: AsyncSession, proof: Proof | None, email: str) -> Account | None:
    """The account, locked, if the proof still holds: no session begins with a password that was just replaced."""
    if proof is None:
        return None
    # Guesses that were under way when the limit was reached get no better answer than those after it.
    await throttle.refuse_if_waiting(session, email)
    account = await session.scalar(
        select(Account)
        .where(Account.id == proof.account_id, Account.active, Account.password_set_at == proof.password_set_at)
        .with_for_update()
    )
    if account is not None and proof.rehashed is not None:
        account.password_hash = proof.rehashed
    return account
