"""A key's row in the transaction of the request that came with it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, cast
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import Table, bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from framework.idempotency import turns
from framework.idempotency.answer import StoredAnswer, body_of, headers_of
from framework.idempotency.tables import IdempotencyKeyRow
from framework.problems import Problem

requests = Counter(
    "seamark_idempotency_requests",
    "Requests with an idempotency key that counted, by what became of them.",
    ["outcome"],
)
LOCK_NOT_AVAILABLE: Final = "55P03"
KEYS = cast("Table", IdempotencyKeyRow.__table__)
_mine = (KEYS.c.user_id == bindparam("mine")) & (KEYS.c.key == bindparam("claimed"))

# One statement, one round trip. While another transaction has inserted the same key, Postgres waits for its end, at most
# as long as lock_timeout says; afterwards that is what it was before. An expired row is taken over where it lies.
CLAIM = text("""
WITH patience AS MATERIALIZED (
    SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', CAST(:patience AS text), true)
)
INSERT INTO seamark.idempotency_key AS kept (user_id, key, fingerprint, expires_at)
SELECT :mine, :claimed, :fingerprint, now() + :lifetime FROM patience
ON CONFLICT (user_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL,
    created_at = now(), expires_at = excluded.expires_at
WHERE kept.expires_at <= now()
RETURNING (SELECT set_config('lock_timeout', before, true) FROM patience)
""")
STORED = select(KEYS.c.fingerprint, KEYS.c.status, KEYS.c.headers, KEYS.c.body).where(_mine)
KEEP = KEYS.update().where(_mine).values({name: bindparam(name) for name in ("status", "headers", "body")})
FORGET = KEYS.delete().where(_mine)


@dataclass(slots=True, eq=False)
class Claim:
    """Made by the first statement of the request's session, completed by its last one before COMMIT.

    Needs READ COMMITTED, Postgres' default: who has waited for another transaction has to see what that has written.
    """

    user_id: UUID
    key: bytes
    fingerprint: bytes
    lifetime: timedelta
    cookie: str | None
    """What was to be set before the route ran: another one afterwards is the answer's own."""
    repeatable: bool = True
    """Whether a repetition is answered from here, so that the request may run again even if COMMIT was sent."""
    _session: AsyncSession | None = field(default=None, init=False)

    async def make(self, session: AsyncSession) -> None:
        """Returns where the request is to take effect now. Raises ``StoredAnswer`` where it has, and ``Problem`` 409 or 422."""
        claim = {"fingerprint": self.fingerprint, "lifetime": self.lifetime, "patience": f"{turns.PATIENCE * 1000:.0f}"}
        try:
            claimed = (await session.execute(CLAIM, self._mine | claim)).one_or_none()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            requests.labels("in_progress").inc()
            raise turns.in_progress() from error
        if claimed is not None:
            self._session = session
            requests.labels("taken").inc()
            return
        row = (await session.execute(STORED, self._mine)).one()
        if row.fingerprint != self.fingerprint:
            requests.labels("reused").inc()
            raise Problem(
                422,
                "idempotency.key_reused",
                "This Idempotency-Key came with another request before. Each request has a key of its own.",
            )
        if row.status is None:
            requests.labels("not_kept").inc()
            raise Problem(
                409,
                "idempotency.answer_not_kept",
                "This was done when it was first asked for. What it was answered then was too large to keep.",
            )
        requests.labels("replayed").inc()
        raise StoredAnswer(row.status, row.headers, row.body)

    async def complete(self, response: Response, cookie: str | None) -> None:
        """Keep the answer that the route has given. An answer that begins or ends a session is not kept: it would hold the
        session's secret, and who repeats the request is no longer who sent it."""
        if self._session is None:
            return
        if cookie != self.cookie or "set-cookie" in response.headers:
            self.repeatable = False
            await self._session.execute(FORGET, self._mine)
            return
        body = body_of(response)
        if body is not None:
            answer = {"status": response.status_code, "headers": headers_of(response), "body": body}
            await self._session.execute(KEEP, self._mine | answer)

    @property
    def _mine(self) -> dict[str, UUID | bytes]:
        return {"mine": self.user_id, "claimed": self.key}
