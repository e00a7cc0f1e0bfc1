"""Sign-ins as rows: begun, listed, ended. Ended is ended at once, because every request reads its row."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from uuid import UUID

from fastapi import Request
from framework.sessions import SessionCookie, SessionToken
from framework.settings import Settings
from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from users.schemas import SessionOut
from users.tables import SignIn

KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of the program that signs in; shown to its owner, trusted for nothing."""

    user_agent: str
    address: str

    @classmethod
    def of(cls, request: Request) -> Self:
        agent = "".join(filter(str.isprintable, request.headers.get("user-agent", "")))
        return cls(agent[:300], request.client.host[:45] if request.client else "")


def begin(session: AsyncSession, account_id: UUID, client: Client) -> SessionToken:
    """A new session with an id of its own (ASVS 7.2.4)."""
    token = SessionCookie.new_token()
    session.add(
        SignIn(account_id=account_id, token_digest=token.digest, user_agent=client.user_agent, address=client.address)
    )
    return token


async def end_token(session: AsyncSession, token: SessionToken | None) -> None:
    """End the session that this token stands for, if there is one."""
    if token is not None:
        await _end(session, SignIn.token_digest == token.digest)


async def end_all(session: AsyncSession, account_id: UUID) -> None:
    await _end(session, SignIn.account_id == account_id)


async def end_own(session: AsyncSession, account_id: UUID, session_id: UUID) -> bool:
    """Whether this account had such a session and it was not ended before."""
    return await _end(session, and_(SignIn.id == session_id, SignIn.account_id == account_id)) == 1


async def _end(session: AsyncSession, which: ColumnElement[bool]) -> int:
    result = await session.execute(update(SignIn).where(which, SignIn.ended_at.is_(None)).values(ended_at=func.now()))
    assert isinstance(result, CursorResult)
    return result.rowcount


async def purge(session: AsyncSession, settings: Settings) -> None:
    """Delete what ended or expired a month ago; until then an owner may be shown where they were signed in."""
    await session.execute(delete(SignIn).where((SignIn.ended_at < func.now() - KEPT) | _expired(settings, KEPT)))


async def live(session: AsyncSession, settings: Settings, account_id: UUID, current: UUID) -> list[SessionOut]:
    """This account's sessions, the last used first."""
    rows = await session.execute(
        select(SignIn.id, SignIn.created_at, SignIn.last_seen_at, SignIn.user_agent, SignIn.address)
        .where(SignIn.account_id == account_id, SignIn.ended_at.is_(None), ~_expired(settings))
        .order_by(SignIn.last_seen_at.desc())
    )
    return [SessionOut(**row._mapping, current=row.id == current) for row in rows]


def _expired(settings: Settings, ago: timedelta = timedelta(0)) -> ColumnElement[bool]:
    """By the limits that ``authentication.load`` holds a session to."""
    absolute, idle = (
        timedelta(hours=hours) for hours in (settings.session_absolute_hours, settings.session_idle_hours)
    )
    return (SignIn.created_at <= func.now() - absolute - ago) | (SignIn.last_seen_at <= func.now() - idle - ago)
