"""Contacts and rejected rows as CSV, a page at a time, so that neither much memory nor a connection is held."""

from collections.abc import AsyncIterator
from uuid import UUID

from framework.database import Database
from framework.statement import Statement
from sqlalchemy import BigInteger, Uuid, bindparam, select

from contacts.csv_cells import encode
from contacts.csv_file import COLUMNS, IGNORED
from contacts.matching import search_query
from contacts.schemas import TAG_SEPARATOR
from contacts.service import ITEMS, matches
from contacts.tables import Contact, Import, ImportRejection

PAGE = 1000
BEFORE_ALL = UUID(int=0)

_after = Contact.__table__.c.id > bindparam("after", type_=Uuid())
_all = ITEMS.where(_after).order_by(Contact.__table__.c.id).limit(PAGE)
ALL = Statement(_all)
MATCHING = Statement(_all.where(matches(bindparam("q"))))

_rejection = ImportRejection.__table__.c
HEADER = Statement(select(Import.__table__.c.columns).where(Import.__table__.c.id == bindparam("import_id")))
REJECTED = Statement(
    select(_rejection.position, _rejection.line, _rejection.reason, _rejection.cells)
    .where(_rejection.import_id == bindparam("import_id"), _rejection.position > bindparam("after", type_=BigInteger()))
    .order_by(_rejection.position)
    .limit(PAGE)
)


async def contacts_csv(database: Database, q: str) -> AsyncIterator[bytes]:
    """The columns of an import, so that what was exported can be imported. With ``q`` only what it finds."""
    statement, search = (MATCHING, {"q": search_query(q)}) if q else (ALL, {})
    yield encode([COLUMNS])
    after = BEFORE_ALL
    while page := await statement.fetch(database, after=after, **search):
        after = page[-1]["id"]
        rows = [{**row, "tags": TAG_SEPARATOR.join(row["tags"])} for row in page]
        yield encode([row[column] for column in COLUMNS] for row in rows)


async def rejected_csv(database: Database, import_id: UUID) -> AsyncIterator[bytes]:
    """The rejected rows as they were, behind their line and the reason. Once mended, it can be imported as it is."""
    [header] = await HEADER.fetch(database, import_id=import_id)
    yield encode([(*IGNORED, *header["columns"])])
    after = -1
    while page := await REJECTED.fetch(database, import_id=import_id, after=after):
        after = page[-1]["position"]
        yield encode((row["line"], row["reason"], *row["cells"]) for row in page)
