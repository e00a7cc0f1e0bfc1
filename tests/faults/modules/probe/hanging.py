"""Requests that hang, each where a slow module's do."""

import asyncio

import structlog
from framework.policies import policy, public
from framework.request_session import Session
from sqlalchemy import text

from .streams import router

__all__ = ["router"]
log = structlog.get_logger()


@router.get("/hang")
@policy(public)
async def hang(seconds: float) -> None:
    log.info("hangs")
    await asyncio.sleep(seconds)


@router.get("/hang/in-a-statement")
@policy(public)
async def hang_in_a_statement(seconds: float, session: Session) -> None:
    await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
