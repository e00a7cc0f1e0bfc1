"""Organisations and tags that are in use, for people who fill in a form."""

from framework.listing import Listing
from framework.statement import Statement
from sqlalchemy import Text, func, select

from contacts.service import organisation_key
from contacts.tables import Contact, Organisation

_contact, _organisation = Contact.__table__.c, Organisation.__table__.c

_members = (
    select(func.count())
    .where(_contact.organisation_id == _organisation.id, _contact.deleted_at.is_(None))
    .scalar_subquery()
)
organisations = Listing(
    select(_organisation.id, _organisation.name, _members.label("contacts")),
    id=_organisation.id,
    sorts={"name": _organisation.name_key},
    default_sort="name",
    search=lambda q: func.strpos(_organisation.name_key, q) > 0,
    search_term=organisation_key,
)

_tag = func.unnest(_contact.tags, type_=Text).column_valued("tag")
tags = Statement(
    select(_tag.label("name"), func.count().label("contacts"))
    .select_from(Contact)
    .where(_contact.deleted_at.is_(None))
    .group_by(_tag)
    .order_by(func.count().desc(), _tag)
    .limit(100)
)
"""The hundred most used ones."""
