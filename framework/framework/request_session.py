"""The request's unit of work, as routes ask for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from framework.database import Database
from framework.idempotency.claim import Claim

if TYPE_CHECKING:
    from framework.application import Application
    from framework.context import RequestContext

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    context: RequestContext = request.scope["seamark"]
    database: Database = request.app.state.application.database
    if context.key is not None and context.principal is not None:
        unit_of_work = _claimed(request, context)
    else:
        context.claim = None
        unit_of_work = database.unit_of_work(read_only=request.method in SAFE_METHODS)
    async with unit_of_work as session:
        yield session


@asynccontextmanager
async def _claimed(request: Request, context: "RequestContext") -> AsyncIterator[AsyncSession]:
    """A unit of work whose first statement claims the request's idempotency key; it is not begun where the body is still
    to come or the same request still under way, so that neither holds a connection."""
    assert context.key is not None
    assert context.principal is not None
    application: Application = request.app.state.application
    user_id, key = context.principal.user_id, context.key.digest
    fingerprint = await context.key.fingerprint(request.scope)
    lifetime = timedelta(hours=application.settings.idempotency_hours)
    async with application.turns.turn(user_id, key), application.database.unit_of_work() as session:
        context.claim = Claim(user_id, key, fingerprint, lifetime, context.set_cookie)
        await context.claim.make(session)
        # Had an earlier attempt committed, it would be known by now.
        context.commit_sent = False
        yield session


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""The request's unit of work: commits before the first byte of the response leaves, READ ONLY for GET and HEAD."""
