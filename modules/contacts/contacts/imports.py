"""Imports of CSV files: taken in, watched, cancelled. The work itself is in ``tasks``."""

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO
from uuid import UUID

from framework.database import Database
from framework.listing import Listing
from framework.problems import Problem
from framework.statement import Statement
from framework.tasks import cancel
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from contacts.csv_file import BLOCK, UTF_8, inspect
from contacts.schemas import ImportItem
from contacts.tables import Import, ImportChunk
from contacts.tasks import import_csv

POLL = 0.3
_import = Import.__table__.c
_items = select(*(_import[name] for name in ImportItem.model_fields))
_item = Statement(_items.where(_import.id == bindparam("import_id")))

imports = Listing(
    _items,
    id=_import.id,
    sorts={"created_at": _import.created_at},
    default_sort="-created_at",
    search=lambda q: func.strpos(func.lower(_import.filename), q) > 0,
    search_term=str.lower,
)


async def start(session: AsyncSession, file: BinaryIO, filename: str, account_id: UUID | None = None) -> UUID:
    """Store ``file`` and enqueue its import, in one transaction. Raises ``Problem`` 422 when it can be seen to fail."""
    found = await asyncio.to_thread(inspect, file)
    note = f"The file is not UTF-8 and was read as Latin-1 ({found.encoding})."
    import_ = Import(
        id=uuid7(),
        filename="".join(sign for sign in filename if sign.isprintable())[-200:],
        encoding=found.encoding,
        size=found.size,
        columns=found.columns,
        first_row=found.rows.position,
        first_line=found.rows.line,
        message=None if found.encoding == UTF_8 else note,
        started_by=account_id,
    )
    session.add(import_)
    await session.flush()
    file.seek(0)
    for number in range(-(-found.size // BLOCK)):
        data = await asyncio.to_thread(file.read, BLOCK)
        await session.execute(insert(ImportChunk), {"import_id": import_.id, "number": number, "data": data})
    import_.task_id = await import_csv.enqueue(session, import_id=import_.id)
    return import_.id


async def get(database: Database, import_id: UUID) -> ImportItem:
    rows = await _item.fetch(database, import_id=import_id)
    if not rows:
        raise Problem(404, "contacts.import_not_found", "There is no such import, or it is long over.")
    return ImportItem(**rows[0])


async def watch(database: Database, import_id: UUID) -> AsyncIterator[ImportItem]:
    """How it stands now, and again whenever that has changed, until it is over. Holds no connection in between."""
    last = None
    while True:
        item = await get(database, import_id)
        if item != last:
            yield item
        if item.finished_at is not None:
            return
        last = item
        await asyncio.sleep(POLL)


async def request_cancel(session: AsyncSession, import_id: UUID) -> None:
    """It ends between two steps; what they did stays. Nothing happens to one that is over."""
    task_id = await session.scalar(select(Import.task_id).where(Import.id == import_id))
    if task_id is not None:
        await cancel(session, task_id)
