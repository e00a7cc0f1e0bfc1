"""Slows guessing down: after ten consecutive failures for one e-mail address the next try has to wait (ASVS 6.3.1).

Counted in Postgres, so over all processes and with Redis down. Addresses that belong to nobody are counted alike, so
the answer tells nothing. The wait stays short enough that nobody can lock the owner out for long.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import ceil

from framework.problems import Problem
from sqlalchemy import case, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from users.email_address import normalise
from users.tables import FailedSignIns

FREE_FAILURES = 10
LONGEST_WAIT = timedelta(minutes=5)
FORGET_AFTER = timedelta(days=1)


def _digest(email: str) -> bytes:
    """People type their password into the wrong field, so what was tried is not kept in clear."""
    return blake2b((normalise(email) or email).encode(), digest_size=32).digest()


async def refuse_if_waiting(session: AsyncSession, email: str) -> None:
    """Raises ``Problem`` 429 while the next try for this address has to wait."""
    retry_at = await session.scalar(select(FailedSignIns.retry_at).where(FailedSignIns.email_digest == _digest(email)))
    seconds = ceil((retry_at - datetime.now(UTC)).total_seconds()) if retry_at else 0
    if seconds > 0:
        raise Problem(
            429,
            "users.too_many_attempts",
            f"Too many failed attempts. Try again in {seconds} seconds.",
            headers={"retry-after": str(seconds)},
        )


async def count_failure(session: AsyncSession, email: str) -> None:
    """The wait doubles with every failure beyond the free ones, and is forgotten a day after the last."""
    now = func.now()
    forgotten = FailedSignIns.last_at < now - FORGET_AFTER
    count = case((forgotten, 1), else_=FailedSignIns.count + 1)
    seconds = func.least(func.power(2.0, func.least(count - FREE_FAILURES, 30)), LONGEST_WAIT.total_seconds())
    wait = case((count < FREE_FAILURES, literal(timedelta(0))), else_=seconds * literal(timedelta(seconds=1)))
    first = insert(FailedSignIns).values(email_digest=_digest(email), count=1, last_at=now, retry_at=now)
    await session.execute(
        first.on_conflict_do_update(
            index_elements=[FailedSignIns.email_digest], set_={"count": count, "last_at": now, "retry_at": now + wait}
        )
    )


async def forget_failures(session: AsyncSession, email: str) -> None:
    await session.execute(delete(FailedSignIns).where(FailedSignIns.email_digest == _digest(email)))


async def forget_old_failures(session: AsyncSession) -> None:
    await session.execute(delete(FailedSignIns).where(FailedSignIns.last_at < func.now() - FORGET_AFTER))
