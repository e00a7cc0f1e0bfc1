"""SQLAlchemy's dialect of asyncpg, except for how a connection is given up: beside the request, never inside of it."""

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Any

import asyncpg
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

DRIVER = "postgresql+seamark"
PATIENCE = 2.0
"""Seconds in which Postgres has to confirm that a query is cancelled; then the socket is closed."""


class SeamarkDialect(PGDialect_asyncpg):
    """A connection is given up when the work on it was cancelled, which may be in the middle of a query.

    To end that query takes a CancelRequest on another connection and the answer to it. SQLAlchemy waits for both inside
    of what was cancelled: for two seconds where the network swallows them, and outside of a greenlet it closes the socket
    instead, and the query lives on. So that is done here by a task of its own.
    """

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
        self._leaving: set[asyncio.Task[None]] = set()

    def do_terminate(self, dbapi_connection: Any) -> None:
        connection: asyncpg.Connection[asyncpg.Record] = dbapi_connection.driver_connection
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # The garbage collector's, after the last loop has ended.
            connection.terminate()
            return
        if connection.is_closed():
            connection.terminate()
            return
        # In no request's context: this belongs to none.
        task = loop.create_task(_leave(connection), context=Context())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def all_left(self) -> None:
        """Once nothing given up so far is open any more."""
        if self._leaving:
            await asyncio.wait(self._leaving)


async def _leave(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        # asyncpg's: ends the query if one runs, says farewell, and after ``timeout`` closes the socket whatever comes.
        await connection.close(timeout=PATIENCE)


registry.register("postgresql.seamark", __name__, SeamarkDialect.__name__)
