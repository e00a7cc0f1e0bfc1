"""The API of imports and exports, on the router of the module."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from framework.application import CurrentApplication
from framework.context import CurrentPrincipal
from framework.listing import ListQuery, Page, PageRows
from framework.policies import policy, require
from framework.request_session import Session
from framework.settings import settings_of

from contacts import exports, imports
from contacts.routes import Id, router
from contacts.schemas import ImportItem, ImportStarted
from contacts.settings import ContactsSettings

# The manifest takes the router from here, where it has all of its routes.
__all__ = ["router"]


async def _existing_import(import_id: Id, application: CurrentApplication) -> ImportItem:
    return await imports.get(application.database, import_id)


# Looked up before the answer begins: a stream cannot become a 404.
ExistingImport = Annotated[ImportItem, Depends(_existing_import)]


@router.get("/export.csv")
@policy(require("contacts.view"), rate_class="exports")
async def export_contacts(
    application: CurrentApplication, q: Annotated[str, Query(max_length=200)] = ""
) -> StreamingResponse:
    """All contacts, or those that a search finds, in the columns of an import."""
    return _download("contacts.csv", exports.contacts_csv(application.database, q.strip()))


@router.post("/imports", status_code=202)
@policy(
    require("contacts.write"),
    max_body=lambda: settings_of(ContactsSettings).import_max_bytes,
    rate_class="imports",
)
async def start_import(file: UploadFile, principal: CurrentPrincipal, session: Session) -> ImportStarted:
    """Add or update contacts from a CSV file with the columns name, email, phone, organisation, notes, tags."""
    import_id = await imports.start(session, file.file, file.filename or "contacts.csv", principal.user_id)
    return ImportStarted(id=import_id)


@router.get("/imports", response_model=Page[ImportItem])
@policy(require("contacts.view"))
async def list_imports(query: ListQuery, application: CurrentApplication) -> PageRows:
    """The latest first."""
    return await imports.imports.page(application.database, query)


@router.get("/imports/{id}")
@policy(require("contacts.view"))
async def get_import(import_: ExistingImport) -> ImportItem:
    return import_


@router.get("/imports/{id}/events", response_class=EventSourceResponse)
@policy(require("contacts.view"))
async def watch_import(import_: ExistingImport, application: CurrentApplication) -> AsyncIterator[ServerSentEvent]:
    """`progress` with the import as it stands, at once and at every change; in the end `done`. Reconnect at any time."""
    async for item in imports.watch(application.database, import_.id):
        yield ServerSentEvent(event="progress", data=item)
        if item.finished_at is not None:
            yield ServerSentEvent(event="done", data=item)


@router.post("/imports/{id}/cancel", status_code=202)
@policy(require("contacts.write"), retry_safe=True)
async def cancel_import(import_: ExistingImport, session: Session) -> ImportItem:
    """It ends as soon as a worker sees it. Rows that were imported by then stay."""
    await imports.request_cancel(session, import_.id)
    return import_


@router.get("/imports/{id}/rejected.csv")
@policy(require("contacts.view"), rate_class="exports")
async def download_rejected(import_: ExistingImport, application: CurrentApplication) -> StreamingResponse:
    """The rows that were rejected, each with its line and the reason."""
    return _download("rejected.csv", exports.rejected_csv(application.database, import_.id))


def _download(filename: str, content: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(
        content, media_type="text/csv", headers={"content-disposition": f'attachment; filename="{filename}"'}
    )
