"""Writing to the outbox: rows in the caller's transaction, and a wake-up for the relays once it has committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from framework import tracing
from framework.correlation import correlation_id, new_correlation_id
from framework.tasks.tables import Priority
from framework.tasks.wake import wake_relays
from framework.trace_context import traceparent

INSERT = """
INSERT INTO seamark.task
(id, args, unique_key, name, queue, priority, correlation_id, traceparent, retention, available_at, publish_at)
SELECT id, args::jsonb, key, $4, $5, $6, $7, $8, $9, due, due
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, args, key),
greatest(now(), $10::timestamptz, now() + $11::interval) AS due
"""
# In the order of the keys, so that two who enqueue the same ones do not each wait for the other. Nobody waits here for
# one that runs: that holds its row, and no more.
INSERT_UNIQUE = f"""
{INSERT} ORDER BY key
ON CONFLICT (name, unique_key) WHERE state = 'queued' AND unique_key IS NOT NULL DO NOTHING
RETURNING unique_key, id
"""
QUEUED = "SELECT unique_key, id FROM seamark.task WHERE name = $1 AND unique_key = ANY($2) AND state = 'queued'"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What tasks that are enqueued together have in common."""

    name: str
    queue: str
    priority: Priority
    retention: timedelta | None
    delay: timedelta | None = None
    at: datetime | None = None


async def add(
    session: AsyncSession, envelope: Envelope, arguments: Sequence[str], keys: Sequence[str] = ()
) -> list[UUID]:
    """One statement, whatever their number; ``arguments`` are JSON. They carry the correlation id of what runs now.

    With ``keys``, those whose key a queued task has already are not written; its id is returned in their place.
    """
    if not arguments:
        return []
    with tracing.span(f"enqueue {envelope.name}", "producer", {"messaging.destination.name": envelope.queue}):
        return await _add(session, envelope, arguments, keys)


async def _add(session: AsyncSession, envelope: Envelope, arguments: Sequence[str], keys: Sequence[str]) -> list[UUID]:
    ids: list[UUID] = [uuid7() for _ in arguments]
    common = (
        envelope.name,
        envelope.queue,
        envelope.priority,
        correlation_id() or new_correlation_id(),
        traceparent(),
        envelope.retention,
        envelope.at,
        envelope.delay,
    )
    if keys:
        ids = await _add_unique(session, list(zip(ids, arguments, keys, strict=True)), common)
    else:
        await session.run_sync(execute, INSERT, (ids, arguments, [None] * len(ids), *common))
    wake_relays(session)
    return ids


async def _add_unique(session: AsyncSession, new: list[tuple[UUID, str, str]], common: tuple[Any, ...]) -> list[UUID]:
    ids: dict[str, UUID] = {}
    while missing := [row for row in new if row[2] not in ids]:
        columns = [list(column) for column in zip(*missing, strict=True)]
        ids |= await session.run_sync(_by_key, INSERT_UNIQUE, (*columns, *common))
        # A statement of its own, which sees what the one before may have waited for. What has ended in between is
        # in neither, and the key is free: again.
        if taken := [key for _, _, key in missing if key not in ids]:
            ids |= await session.run_sync(_by_key, QUEUED, (common[0], taken))
    return [ids[key] for _, _, key in new]


def _by_key(session: Session, statement: str, values: tuple[Any, ...]) -> dict[str, UUID]:
    return {row.unique_key: row.id for row in execute(session, statement, values)}


def execute(session: Session, statement: str, values: tuple[Any, ...]) -> Sequence[Any]:
    """For ``session.run_sync``: in one hop and in the driver's own form, as the request pays; `insert()` costs twice that."""
    result = session.connection().exec_driver_sql(statement, values)
    return result.all() if result.returns_rows else ()
