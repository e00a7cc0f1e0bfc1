"""Everybody's own notices: what a person is told needs no permission."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from framework.application import CurrentApplication
from framework.context import CurrentPrincipal
from framework.listing import ListQuery, Page, PageRows
from framework.policies import policy, signed_in
from framework.request_session import Session
from framework.routing import Router

from notifications import service
from notifications.schemas import NoticeItem, Unread

# Whatever these change lies in Postgres, so a request whose transaction was lost may run again: `retry_safe`.
router = Router("notifications")
Id = Annotated[UUID, Path(alias="id")]


@router.get("", response_model=Page[NoticeItem])
@policy(signed_in)
async def list_notices(query: ListQuery, principal: CurrentPrincipal, application: CurrentApplication) -> PageRows:
    """The latest first."""
    return await service.listing.page(application.database, query, account_id=principal.user_id)


@router.get("/unread")
@policy(signed_in, unattended=True)
async def count_unread(principal: CurrentPrincipal, application: CurrentApplication) -> Unread:
    """For a page to ask now and then; it does not keep a session alive."""
    return Unread(count=await service.unread(application.database, principal.user_id))


@router.post("/read", status_code=204)
@policy(signed_in, retry_safe=True)
async def mark_all_read(principal: CurrentPrincipal, session: Session) -> None:
    await service.mark_all_read(session, principal.user_id)


@router.post("/{id}/read", status_code=204)
@policy(signed_in, retry_safe=True)
async def mark_read(notice_id: Id, principal: CurrentPrincipal, session: Session) -> None:
    await service.mark_read(session, principal.user_id, notice_id)


@router.delete("/{id}", status_code=204)
@policy(signed_in, retry_safe=True)
async def delete_notice(notice_id: Id, principal: CurrentPrincipal, session: Session) -> None:
    await service.remove(session, principal.user_id, notice_id)
