"""For tests whose application calls services that the test starts itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from framework.application import Application


@asynccontextmanager
async def allowing(application: Application, *entries: str) -> AsyncIterator[None]:
    """Within this block, calls may go to ``entries``, too; they are written as in ``SM_OUTGOING_ALLOWED``."""
    settings, client = application.settings, application._http
    application.settings = settings.model_copy(update={"outgoing_allowed": (*settings.outgoing_allowed, *entries)})
    application._http = None
    try:
        yield
    finally:
        await application.http.close()
        application.settings, application._http = settings, client
