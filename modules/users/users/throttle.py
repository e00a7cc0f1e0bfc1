"""Holds guessing back: a hundred consecutive wrong passwords for one account, no more (NIST 800-63B-4 3.2.2; ASVS 6.3.1).

Counted in Postgres, so over all processes and with Redis down; nothing but time, a success or an administrator takes a
count away, so no flood of other addresses does. Addresses that belong to nobody are counted alike, so the answers tell
nothing. Browsers that an account knows have counts of their own (``device_cookie``): strangers cannot use up their
owner's.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from math import ceil

from framework.problems import Problem
from prometheus_client import Counter
from sqlalchemy import Interval, and_, bindparam, case, cast, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from users.email_address import normalise
from users.tables import FailedDeviceSignIns, FailedSignIns

FREE = 10
"""Guesses without a wait between them."""
MOST = 100
LONGEST_WAIT = timedelta(minutes=5)
FORGET_AFTER = timedelta(days=30)
REFUSED = Counter(
    "seamark_guesses_refused", "Passwords that were not even compared, after too many failures.", ["reason"]
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A password that is being tried, and for whom: counted as a failure until ``forget`` says otherwise."""

    email_digest: bytes
    device_digest: bytes | None
    """Of a browser, or session, that the account knows; ``None`` for a stranger."""
    was_last: bool
    """Strangers may not try this address any more."""


async def count_guess(session: AsyncSession, email: str, device: str | None) -> Guess:
    """Take one of the guesses that are left, before the password is looked at: any number at once cannot exceed them.

    Raises ``Problem``: 429 while the next guess has to wait; 403 when a stranger has none left. A known device that has
    used up its own is a stranger.
    """
    email_digest = _email_digest(email)
    if device is not None:
        digest = blake2b(device.encode(), digest_size=32).digest()
        if await _count(session, _devices, email_digest=email_digest, device_digest=digest) is not None:
            return Guess(email_digest, digest, was_last=False)
    count = await _count(session, _strangers, email_digest=email_digest)
    if count is None:
        REFUSED.labels("none left").inc()
        raise Problem(
            403,
            "users.known_device_required",
            "Too many failed attempts. Sign in with a browser that you have used before, or ask an administrator.",
        )
    return Guess(email_digest, None, was_last=count == MOST)


async def forget(session: AsyncSession, guess: Guess) -> None:
    """It was right: what failed before is over, for strangers and for this device."""
    if guess.device_digest is not None:
        await session.execute(
            delete(FailedDeviceSignIns).where(
                FailedDeviceSignIns.email_digest == guess.email_digest,
                FailedDeviceSignIns.device_digest == guess.device_digest,
            )
        )
    await session.execute(delete(FailedSignIns).where(FailedSignIns.email_digest == guess.email_digest))


async def forget_all(session: AsyncSession, email: str) -> None:
    """Every failure for this address, of strangers and devices."""
    for table in (FailedDeviceSignIns, FailedSignIns):
        await session.execute(delete(table).where(table.email_digest == _email_digest(email)))


async def purge(session: AsyncSession) -> None:
    for table in (FailedDeviceSignIns, FailedSignIns):
        await session.execute(delete(table).where(table.last_at < func.now() - FORGET_AFTER))


async def _count(session: AsyncSession, tally: "_Tally", **key: bytes) -> int | None:
    """How many it are with this one; ``None`` when all are used up. Raises ``Problem`` 429 while it has to wait."""
    counted: int | None = await session.scalar(tally.count, key)
    if counted is not None:
        return counted
    # Refused, and locked all the same: the row is still there.
    before, left = (await session.execute(tally.look, key)).one()
    if before >= MOST:
        return None
    REFUSED.labels("wait").inc()
    wait_for = max(1, ceil(left.total_seconds()))
    raise Problem(
        429,
        "users.too_many_attempts",
        f"Too many failed attempts. Try again in {wait_for} seconds.",
        headers={"retry-after": str(wait_for)},
    )


class _Tally:
    """The statements that count in ``table``, built once: that costs more than running them.

    The wait doubles with every guess beyond the free ones. Of several at once each sees the one before: they take turns
    at the row, which ``clock_timestamp()``, unlike ``now()``, is read after.
    """

    def __init__(self, table: type[FailedSignIns] | type[FailedDeviceSignIns]) -> None:
        key = {column.name: bindparam(column.name, type_=column.type) for column in table.__table__.primary_key}
        clock = func.clock_timestamp()
        forgotten = table.last_at < clock - FORGET_AFTER
        count = case((forgotten, 1), else_=table.count + 1)
        seconds = func.least(func.power(2.0, func.least(count - FREE, 30)), LONGEST_WAIT.total_seconds())
        wait = case((count < FREE, literal(timedelta(0))), else_=seconds * literal(timedelta(seconds=1)))
        self.count = (
            insert(table)
            .values(**key, count=1, last_at=clock, retry_at=clock)
            .on_conflict_do_update(
                index_elements=list(key),
                set_={"count": count, "last_at": clock, "retry_at": clock + wait},
                where=or_(forgotten, and_(table.count < MOST, or_(table.count < FREE, table.retry_at <= clock))),
            )
            .returning(table.count)
        )
        """Its result is the count; nothing where the guess is not admitted."""
        self.look = select(table.count, cast(table.retry_at - clock, Interval)).where(
            *(table.__table__.c[name] == value for name, value in key.items())
        )


def _email_digest(email: str) -> bytes:
    """People type their password into the wrong field, so what was tried is not kept in clear."""
    return blake2b((normalise(email) or email).encode(), digest_size=32).digest()


_strangers = _Tally(FailedSignIns)
_devices = _Tally(FailedDeviceSignIns)
