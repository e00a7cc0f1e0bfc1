"""Contacts, one at a time and in lists. Nothing here commits: the caller's unit of work does."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from framework.listing import Listing
from framework.problems import Problem
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError
from uuid_utils.compat import uuid7

from contacts.matching import fold, search_query, search_text
from contacts.schemas import ContactChange, ContactFields, ContactItem
from contacts.tables import Contact, Organisation

_contact, _organisation = Contact.__table__.c, Organisation.__table__.c
_shown = ("id", "name", "email", "phone", "notes", "tags", "version", "created_at", "updated_at")

ITEMS = (
    select(*(_contact[name] for name in _shown), _organisation.name.label("organisation"))
    .join_from(Contact, Organisation, isouter=True)
    .where(_contact.deleted_at.is_(None))
)
ITEM = ITEMS.where(_contact.id == bindparam("contact_id"))

ORGANISATIONS = select(_organisation.name_key, _organisation.id).where(
    _organisation.name_key == func.any(bindparam("keys", type_=ARRAY(Text)))
)


def matches(q: ColumnElement[str]) -> ColumnElement[bool]:
    """``q`` is in the form that ``search_query`` gives."""
    return _contact.search.bool_op("@@")(func.to_tsquery("simple", q))


contacts = Listing(
    ITEMS,
    id=_contact.id,
    sorts={
        "name": _contact.name_key,
        "email": _contact.email_key,
        "created_at": _contact.created_at,
        "updated_at": _contact.updated_at,
    },
    default_sort="name",
    search=matches,
    search_term=search_query,
)


async def get(session: AsyncSession, contact_id: UUID) -> ContactItem:
    """Raises ``Problem`` 404 for one that does not exist or is deleted."""
    row = (await session.execute(ITEM, {"contact_id": contact_id})).one_or_none()
    if row is None:
        raise _not_found()
    return ContactItem(**row._mapping)


async def create(session: AsyncSession, fields: ContactFields) -> ContactItem:
    """Raises ``Problem`` 409 ``contacts.email_taken``, as everything here that may."""
    contact = Contact(**columns_of(fields, await organisation_ids(session, [fields.organisation])))
    session.add(contact)
    await _flush(session)
    return await get(session, contact.id)


async def change(session: AsyncSession, contact_id: UUID, changes: ContactChange) -> ContactItem:
    """Raises ``Problem`` 409 ``contacts.stale`` when ``changes`` were made to another version than the stored one."""
    contact = await _live(session, contact_id)
    if contact.version != changes.version:
        raise _stale()
    before = await get(session, contact_id)
    fields = ContactFields.model_construct(**before.model_dump() | changes.model_dump(exclude_unset=True))
    for name, value in columns_of(fields, await organisation_ids(session, [fields.organisation])).items():
        setattr(contact, name, value)
    await _flush(session)
    return await get(session, contact_id)


async def delete(session: AsyncSession, contact_id: UUID) -> None:
    """Unseen from then on, until it is restored or an import brings its address again."""
    contact = await _live(session, contact_id)
    contact.deleted_at = func.now()
    await _flush(session)


async def restore(session: AsyncSession, contact_id: UUID) -> ContactItem:
    """Harmless for one that is not deleted."""
    contact = await session.get(Contact, contact_id)
    if contact is None:
        raise _not_found()
    contact.deleted_at = None
    await _flush(session)
    return await get(session, contact_id)


def columns_of(fields: ContactFields, organisations: dict[str, UUID]) -> dict[str, Any]:
    """What is stored for ``fields``, with what they are compared, sorted and searched by."""
    texts = (fields.name, fields.email, fields.organisation, fields.notes, *fields.tags)
    return {
        "name": fields.name,
        "name_key": fold(fields.name)[:200],  # folding may make one sign many, and an index holds 2,700 bytes
        "email": fields.email,
        "email_key": email_key(fields.email),
        "phone": fields.phone,
        "organisation_id": organisations[organisation_key(fields.organisation)] if fields.organisation else None,
        "notes": fields.notes,
        "tags": fields.tags,
        "search_text": search_text(texts, fields.phone),
    }


def email_key(email: str) -> str:
    """What identifies a contact: the address without case, though RFC 5321 would let the local part differ by it."""
    return email.lower()


def organisation_key(name: str) -> str:
    return name.casefold()


async def organisation_ids(session: AsyncSession, names: Iterable[str | None]) -> dict[str, UUID]:
    """The ids of these organisations by their key; those that are new are added, in the first spelling."""
    by_key = {organisation_key(name): name for name in names if name}
    known = await _known_organisations(session, by_key)
    # In one order, so that two transactions which add the same ones wait for each other instead of deadlocking.
    if missing := sorted(by_key.keys() - known):
        rows = [{"id": uuid7(), "name": by_key[key], "name_key": key} for key in missing]
        await session.execute(insert(Organisation).on_conflict_do_nothing(), rows)
        known = await _known_organisations(session, by_key)
    return known


async def _known_organisations(session: AsyncSession, keys: Collection[str]) -> dict[str, UUID]:
    rows = await session.execute(ORGANISATIONS, {"keys": list(keys)}) if keys else ()
    return {row.name_key: row.id for row in rows}


async def _live(session: AsyncSession, contact_id: UUID) -> Contact:
    contact = await session.get(Contact, contact_id)
    if contact is None or contact.deleted_at is not None:
        raise _not_found()
    return contact


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except StaleDataError:
        raise _stale() from None
    except IntegrityError as error:
        if "contact_email_live_key" not in str(error.orig):
            raise
        taken = "Another contact has this e-mail address."
        raise Problem(409, "contacts.email_taken", taken, errors=[{"field": "email", "message": taken}]) from None


def _not_found() -> Problem:
    return Problem(404, "contacts.not_found", "This contact does not exist, or is deleted.")


def _stale() -> Problem:
    return Problem(409, "contacts.stale", "This contact was changed meanwhile. Load it again to see how.")
