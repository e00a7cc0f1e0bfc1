"""The request's unit of work, as routes ask for it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from framework.database import Database

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    context = request.scope["seamark"]
    database: Database = request.app.state.application.database
    async with database.unit_of_work(read_only=request.method in SAFE_METHODS) as session:
        context.commit_sent = False
        yield session
        if request.method not in SAFE_METHODS:
            # What is still to be written goes first, so that from here on there is nothing but COMMIT.
            await session.flush()
            context.commit_sent = True


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""The request's unit of work: commits before the first byte of the response leaves, READ ONLY for GET and HEAD."""
