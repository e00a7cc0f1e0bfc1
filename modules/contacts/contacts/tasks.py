"""Reads an uploaded file into contacts, a thousand rows a step, and forgets imports that are long over."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID

from framework.events import publish
from framework.settings import settings_of
from framework.tasks import Outcome, Schedule, TaskRun, step_task, task
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from contacts.contract import ImportFinished
from contacts.csv_cells import unguard
from contacts.csv_contacts import RejectedError, contact_of
from contacts.csv_file import BLOCK, CsvFile, Place, Row, read_file
from contacts.settings import ContactsSettings
from contacts.tables import Import, ImportChunk, ImportRejection, ImportStatus
from contacts.upsert import upsert

ROWS_PER_STEP = 1000
CHUNK = select(ImportChunk.data).where(
    ImportChunk.import_id == bindparam("import_id"), ImportChunk.number == bindparam("number")
)


class FileGoneError(Exception):
    """Somebody lets an import go on that was stopped: only those that failed keep their file."""


async def finish(session: AsyncSession, outcome: Outcome, *, import_id: UUID) -> None:
    """However it ended: say so, drop the file, tell who wants to know. A failed one keeps its file, to go on with."""
    import_ = await session.get_one(Import, import_id)
    import_.status = ImportStatus(outcome.value)
    import_.finished_at = datetime.now(UTC)
    kept = f"{import_.processed:,} rows were dealt with before, and that stays."
    if outcome is Outcome.CANCELLED:
        import_.message = f"Cancelled. {kept}"
    elif outcome is Outcome.FAILED:
        import_.message = (
            f"Something went wrong on our side. {kept} An administrator can let it go on from there, "
            "or you import the file again."
        )
    if outcome is not Outcome.FAILED:
        await session.execute(delete(ImportChunk).where(ImportChunk.import_id == import_id))
    counts = {name: getattr(import_, name) for name in ("created", "updated", "rejected", "started_by")}
    await publish(session, ImportFinished(import_id=import_id, status=import_.status, **counts))


@step_task("contacts.import_csv", cursor=Place, on_end=finish)
async def import_csv(run: TaskRun, cursor: Place | None, *, import_id: UUID) -> Place | None:
    """The first step counts the rows, each further one takes the next thousand: effect, counters and cursor together."""
    import_ = await run.session.get_one(Import, import_id)
    import_.status = ImportStatus.RUNNING
    if import_.finished_at is not None:
        # It had failed, and somebody lets it go on.
        import_.finished_at = import_.message = None
    if cursor is None:
        begin = Place(import_.first_row, import_.first_line)
        import_.total = 0
        async for _ in _rows(run.session, import_, begin):
            import_.total += 1
        return begin
    rows: list[Row] = []
    async with aclosing(_rows(run.session, import_, cursor)) as reading:
        async for row in reading:
            rows.append(row)
            if len(rows) == ROWS_PER_STEP:
                break
    await _take(run.session, import_, rows)
    await run.progress(import_.processed, import_.total)
    return None if import_.processed == import_.total else rows[-1].next


async def _rows(session: AsyncSession, import_: Import, place: Place) -> AsyncGenerator[Row]:
    """Of the uploaded file from ``place`` on, without blank ones. Holds one chunk of it at a time."""

    async def fetch(position: int) -> bytes:
        number, offset = divmod(position, BLOCK)
        data: bytes | None = await session.scalar(CHUNK, {"import_id": import_.id, "number": number})
        if data is None:
            raise FileGoneError("The file was dropped when its import ended; import it anew")
        return data[offset:]

    file = CsvFile(import_.encoding, import_.size, import_.columns, place)
    async for row in read_file(fetch, file, place):
        if not row.is_blank:
            yield row


async def _take(session: AsyncSession, import_: Import, rows: list[Row]) -> None:
    accepted, rejections = [], []
    for row in rows:
        cells = [unguard(cell) for cell in row.cells]
        try:
            if row.problem:
                raise RejectedError(row.problem)
            accepted.append(contact_of(import_.columns, cells))
        except RejectedError as rejected:
            values = {"import_id": import_.id, "position": row.place.position, "line": row.place.line}
            rejections.append({**values, "reason": str(rejected), "cells": cells})
    created = await upsert(session, accepted) if accepted else 0
    if rejections:
        await session.execute(insert(ImportRejection), rejections)
    import_.processed += len(rows)
    import_.created += created
    import_.updated += len(accepted) - created
    import_.rejected += len(rejections)


@task("contacts.purge_imports")
async def purge_imports(run: TaskRun) -> None:
    """What was rejected in them is personal data that nobody looks for any more."""
    oldest = datetime.now(UTC) - timedelta(days=settings_of(ContactsSettings).import_keep_days)
    await run.session.execute(delete(Import).where(Import.finished_at < oldest))


tasks = (import_csv, purge_imports)
schedules = (Schedule(purge_imports, every=timedelta(days=1)),)
