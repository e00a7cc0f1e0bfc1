"""Postgres: one pool per process, and the unit of work, the only place that commits."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, Uuid, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.util import greenlet_spawn

from framework.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection, Record

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CONNECT_TIMEOUT = 5.0

naming_convention = {
    "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}
type_map: dict[Any, Any] = {datetime: DateTime(timezone=True), UUID: Uuid()}
"""For a module's ``Base(DeclarativeBase)``: ``type_annotation_map = type_map``."""


def module_metadata(module: str) -> MetaData:
    """The tables of ``module``, in the Postgres schema of its name."""
    return MetaData(schema=module, naming_convention=naming_convention)


def connect_arguments(settings: Settings, process: str) -> dict[str, Any]:
    """asyncpg's arguments. Behind PgBouncer in transaction mode no statement may be kept and none may share a name."""
    milliseconds = {
        "statement_timeout": settings.database_statement_timeout,
        "idle_in_transaction_session_timeout": settings.database_statement_timeout * 2,
        "lock_timeout": settings.database_statement_timeout / 2,
    }
    arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT}
    if settings.database_pgbouncer:
        arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        arguments["prepared_statement_name_func"] = lambda: f"seamark_{uuid4().hex}"
    else:
        arguments["server_settings"] = {
            "application_name": f"seamark {process}",
            "jit": "off",
            **{name: str(int(seconds * 1000)) for name, seconds in milliseconds.items()},
        }
    return arguments


class Database:
    """The pool of one process and what is borrowed from it.

    No pre-ping: it costs every request 45 % of a statement. What the driver already knows to be closed is refused at no
    cost, and a whole-request retry does what neither can (ADR 0006).
    """

    def __init__(self, settings: Settings, process: str = "web", *, pool_size: int | None = None) -> None:
        self.engine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size if pool_size is None else pool_size,
            max_overflow=settings.database_pool_overflow,
            pool_timeout=settings.database_pool_timeout,
            connect_args=connect_arguments(settings, process),
            query_cache_size=1000,
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        # close_resets_only=False: a session used after its end raises instead of silently taking a new connection.
        options: dict[str, Any] = {"expire_on_commit": False, "close_resets_only": False}
        self._writing = async_sessionmaker(self.engine, **options)
        # The same pool; its transactions begin READ ONLY, so a GET that writes fails in every environment (ASVS 3.5.3).
        self._reading = async_sessionmaker(self.engine.execution_options(postgresql_readonly=True), **options)

    @asynccontextmanager
    async def unit_of_work(self, *, read_only: bool = False) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back when it raises."""
        async with self._reading() if read_only else self._writing() as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def driver_connection(self) -> "AsyncIterator[Connection[Record]]":
        """asyncpg's own connection out of the same pool, for one statement that must cost little."""
        fairy = await self.engine.raw_connection()
        connection = fairy.driver_connection
        assert isinstance(connection, asyncpg.Connection)
        try:
            yield connection
        finally:
            if connection.is_closed():
                fairy.invalidate()
            await greenlet_spawn(fairy.close)

    async def close(self) -> None:
        await self.engine.dispose()


def _refuse_closed(connection: Any, *_: object) -> None:
    """A connection that the server ended while it lay in the pool; the driver knows without asking. The pool dials anew."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Call once this session's transaction has committed; never when it rolls back. ``call`` must not raise or block."""
    calls: list[Callable[[], None]] = session.info.setdefault("after_commit", [])
    if not calls:
        event.listen(session.sync_session, "after_commit", _run_after_commit, once=True)
    if call not in calls:
        calls.append(call)


def _run_after_commit(session: SyncSession) -> None:
    for call in session.info.pop("after_commit", ()):
        call()


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server or the network ended the connection, so that the same work may succeed on another one."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        error = error.orig.__cause__ if error.orig is not None and error.orig.__cause__ is not None else error
    return isinstance(
        error,
        (
            ConnectionError,
            asyncpg.InterfaceError,
            asyncpg.ConnectionDoesNotExistError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.CannotConnectNowError,
            asyncpg.TooManyConnectionsError,
        ),
    )


async def _request_session(request: Request) -> AsyncIterator[AsyncSession]:
    context = request.scope["seamark"]
    database: Database = request.app.state.application.database
    async with database.unit_of_work(read_only=request.method in SAFE_METHODS) as session:
        context.commit_sent = False
        yield session
        context.commit_sent = request.method not in SAFE_METHODS


Session = Annotated[AsyncSession, Depends(_request_session, scope="function")]
"""The request's unit of work: commits before the first byte of the response leaves, READ ONLY for GET and HEAD."""
