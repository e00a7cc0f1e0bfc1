"""Writes many contacts at once: those with a known e-mail address are updated, the others added."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Text, bindparam, exists, func, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert
from uuid_utils.compat import uuid7

from contacts.schemas import ContactFields
from contacts.service import ITEMS, columns_of, email_key, organisation_ids
from contacts.tables import Contact

_given = Contact.email_key == func.any(bindparam("keys", type_=ARRAY(Text)))
_twin = aliased(Contact)
_last_deleted = (
    select(Contact.id)
    .ext(distinct_on(Contact.email_key))
    .where(_given, Contact.deleted_at.is_not(None))
    .where(~exists().where(_twin.email_key == Contact.email_key, _twin.deleted_at.is_(None)))
    .order_by(Contact.email_key, Contact.deleted_at.desc())
)
_changed = {"version": Contact.version + 1, "updated_at": func.now()}
REVIVE = update(Contact).where(Contact.id.in_(_last_deleted)).values(deleted_at=None, **_changed)

KNOWN = ITEMS.where(_given).with_for_update(of=Contact)

_insert = insert(Contact)
_written = ("name", "name_key", "email", "phone", "organisation_id", "notes", "tags", "search_text")
_stored = tuple_(*(getattr(Contact, name) for name in _written))
UPSERT: ReturningInsert[bool] = _insert.on_conflict_do_update(
    index_elements=[Contact.email_key],
    index_where=Contact.deleted_at.is_(None),
    set_={**{name: _insert.excluded[name] for name in _written}, **_changed},
    # A contact that stays as it is keeps its version: who is editing it has missed nothing.
    where=_stored.is_distinct_from(tuple_(*(_insert.excluded[name] for name in _written))),
).returning(literal_column("xmax = 0"))  # a row version that nobody has locked or updated: it is new


async def upsert(session: AsyncSession, batch: Sequence[ContactFields]) -> int:
    """Returns how many are new. Of several with one address the last counts; a deleted contact comes back.

    What an item leaves unset stays as it is.
    """
    connection = await session.connection()
    by_key = {email_key(fields.email): fields for fields in batch}
    keys = {"keys": sorted(by_key)}
    await connection.execute(REVIVE, keys)
    if any(len(fields.model_fields_set) < len(ContactFields.model_fields) for fields in batch):
        for known in (await connection.execute(KNOWN, keys)).mappings():
            fields = by_key[email_key(known["email"])]
            merged = {**known, **fields.model_dump(exclude_unset=True)}
            by_key[email_key(fields.email)] = ContactFields.model_construct(**merged)
    organisations = await organisation_ids(session, (fields.organisation for fields in by_key.values()))
    # In the order of their addresses, so that two imports wait for each other instead of deadlocking.
    rows = [{"id": uuid7(), **columns_of(by_key[key], organisations)} for key in sorted(by_key)]
    return sum((await connection.execute(UPSERT, rows)).scalars())
