"""Signing in and changing one's password: what needs the password itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from framework.database import Database
from framework.sessions import SessionToken
from prometheus_client import Counter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from users import sessions, throttle
from users.email_address import normalise
from users.passwords import passwords
from users.sessions import Client
from users.tables import Account
from users.throttle import Guess

log = structlog.get_logger()
SIGN_INS = Counter("seamark_sign_ins", "Passwords that were compared at sign-in.", ["outcome"])
type Recognise = Callable[[UUID], str | None]
"""The device that an account knows the guesser by, if it does."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew the password which this account has had since then."""

    account_id: UUID
    password_set_at: datetime
    rehashed: str | None
    """The same password under today's parameters, when they have changed."""
    guess: Guess


async def prove(database: Database, email: str, password: str, recognise: Recognise) -> Proof | None:
    """Compare a password. Counts in a unit of work of its own: before the hash is computed the guess is counted for all
    processes, and no connection is held meanwhile.

    An unknown address, an inactive account and a wrong password take the same work (ASVS 6.3.8).
    Raises ``Problem``: 429 or 403 after too many failures, 503 while too many passwords wait to be compared.
    """
    passwords().refuse_if_busy()
    async with database.unit_of_work() as session:
        found = (
            await session.execute(
                select(Account.id, Account.password_hash, Account.password_set_at).where(
                    Account.email == (normalise(email) or ""), Account.active
                )
            )
        ).one_or_none()
        guess = await throttle.count_guess(session, email, recognise(found.id) if found else None)
    if guess.was_last:
        log.warning("no guesses left for strangers", account=str(found.id) if found else None)
    matches = await passwords().verify(found.password_hash if found else None, password)
    if found is None or not matches:
        return None
    rehashed = await passwords().hash(password) if passwords().is_outdated(found.password_hash) else None
    return Proof(found.id, found.password_set_at, rehashed, guess)


async def sign_in(
    session: AsyncSession, proof: Proof | None, client: Client, previous: SessionToken | None
) -> SessionToken | None:
    """Begin a session and end the one of the cookie that came along; ``None`` without proof."""
    account = await _proven(session, proof)
    if account is None:
        SIGN_INS.labels("failed").inc()
        log.warning("sign-in failed", address=client.address)
        return None
    await sessions.end_token(session, previous)
    SIGN_INS.labels("succeeded").inc()
    log.info("signed in", account=str(account.id), address=client.address)
    return sessions.begin(session, account.id, client)


async def change_password(
    session: AsyncSession, proof: Proof | None, hashed: str | None, client: Client
) -> SessionToken | None:
    """Set a new password, end every session and begin one here (ASVS 7.4.3); ``None`` without proof."""
    account = await _proven(session, proof)
    if account is None or hashed is None:
        return None
    account.password_hash = hashed
    account.password_set_at = datetime.now(UTC)
    await sessions.end_all(session, account.id)
    log.info("password changed", account=str(account.id))
    return sessions.begin(session, account.id, client)


async def _proven(session: AsyncSession, proof: Proof | None) -> Account | None:
    """The account, locked, if the proof still holds: no session begins with a password that was just replaced."""
    if proof is None:
        return None
    account = await session.scalar(
        select(Account)
        .where(Account.id == proof.account_id, Account.active, Account.password_set_at == proof.password_set_at)
        .with_for_update()
    )
    if account is None:
        return None
    await throttle.forget(session, proof.guess)
    if proof.rehashed is not None:
        account.password_hash = proof.rehashed
    return account
