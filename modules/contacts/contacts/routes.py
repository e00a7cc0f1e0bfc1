"""The API of contacts. Those of imports and exports are in ``csv_routes``, on the same router."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from framework.application import CurrentApplication
from framework.listing import ListQuery, Page, PageRows
from framework.policies import policy, require
from framework.request_session import Session
from framework.routing import Router

from contacts import service, suggestions
from contacts.schemas import ContactChange, ContactFields, ContactItem, OrganisationItem, TagItem, Tags

# Whatever these change lies in Postgres, so a request whose transaction was lost may run again: `retry_safe`.
router = Router("contacts")
Id = Annotated[UUID, Path(alias="id")]


@router.get("", response_model=Page[ContactItem])
@policy(require("contacts.view"))
async def list_contacts(query: ListQuery, application: CurrentApplication) -> PageRows:
    """Sorted by `name`, `email`, `created_at` or `updated_at`. A search finds contacts that have words beginning so."""
    return await service.contacts.page(application.database, query)


@router.post("", status_code=201)
@policy(require("contacts.write"), retry_safe=True)
async def create_contact(fields: ContactFields, response: Response, session: Session) -> ContactItem:
    contact = await service.create(session, fields)
    response.headers["location"] = f"/api/contacts/{contact.id}"
    return contact


@router.get("/organisations", response_model=Page[OrganisationItem])
@policy(require("contacts.view"))
async def list_organisations(query: ListQuery, application: CurrentApplication) -> PageRows:
    return await suggestions.organisations.page(application.database, query)


@router.get("/tags")
@policy(require("contacts.view"))
async def list_tags(application: CurrentApplication) -> Tags:
    """The tags that most contacts have."""
    return Tags(items=[TagItem(**row) for row in await suggestions.tags.fetch(application.database)])


@router.get("/{id}")
@policy(require("contacts.view"))
async def get_contact(contact_id: Id, session: Session) -> ContactItem:
    return await service.get(session, contact_id)


@router.patch("/{id}")
@policy(require("contacts.write"), retry_safe=True)
async def change_contact(contact_id: Id, changes: ContactChange, session: Session) -> ContactItem:
    return await service.change(session, contact_id, changes)


@router.delete("/{id}", status_code=204)
@policy(require("contacts.write"), retry_safe=True)
async def delete_contact(contact_id: Id, session: Session) -> None:
    await service.delete(session, contact_id)


@router.post("/{id}/restore")
@policy(require("contacts.write"), retry_safe=True)
async def restore_contact(contact_id: Id, session: Session) -> ContactItem:
    return await service.restore(session, contact_id)
