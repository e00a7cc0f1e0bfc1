"""Forgets keys that have expired, a small transaction after another."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BATCH = 1000
# One that is taken over just now is locked, and no longer expired afterwards: it is passed by.
PURGE = text(f"""
WITH expired AS MATERIALIZED (
    SELECT user_id, key FROM seamark.idempotency_key WHERE expires_at <= now()
    ORDER BY expires_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM seamark.idempotency_key AS kept USING expired
    WHERE kept.user_id = expired.user_id AND kept.key = expired.key RETURNING 1
)
SELECT count(*) FROM gone
""")  # noqa: S608 - of a constant


async def purge_expired(session: AsyncSession) -> int:
    """How many are gone; ``BATCH``: there may be more."""
    gone: int = (await session.execute(PURGE)).scalar_one()
    return gone
