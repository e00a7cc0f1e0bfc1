"""Routes that take longer than they may: in a query, beside one, and around their COMMIT."""

import asyncio

from framework.application import CurrentApplication
from framework.deadline import remaining
from framework.policies import policy, public
from framework.request_session import Session
from sqlalchemy import text

from .hanging import router
from .routes import Note

__all__ = ["router"]

DEADLINE = 2.0
SLEEP = "SELECT pg_sleep(60) /* too long */"


@router.get("/query")
@policy(public, deadline=DEADLINE)
async def query(session: Session) -> None:
    await session.execute(text(SLEEP))


@router.get("/query/plain")
@policy(public, deadline=DEADLINE)
async def plain_query(application: CurrentApplication) -> None:
    async with application.database.driver_connection() as connection:
        await connection.execute(SLEEP)


@router.get("/query/late")
@policy(public, deadline=DEADLINE)
async def late_query(session: Session) -> None:
    """Its first statement had more time than is left for its second."""
    await session.execute(text("SELECT 1"))
    await asyncio.sleep(DEADLINE / 2)
    await session.execute(text(SLEEP))


@router.get("/query/usual")
@policy(public)
async def usual_query(session: Session) -> None:
    await session.execute(text(SLEEP))


@router.post("/effects")
@policy(public, deadline=DEADLINE, idempotent=True)
async def effect(note: Note, session: Session, seconds: float = 0.0, left: float = 1000.0) -> None:
    """Works for ``seconds``, and then until only ``left`` of its time is left."""
    await session.execute(text("INSERT INTO effect (key) VALUES (:key)"), {"key": note.key})
    await asyncio.sleep(seconds)
    await asyncio.sleep(max(0.0, remaining(DEADLINE) - left))


@router.post("/locks")
@policy(public, idempotent=True)
async def lock(session: Session) -> None:
    await session.execute(text("LOCK TABLE effect IN ACCESS EXCLUSIVE MODE"))
