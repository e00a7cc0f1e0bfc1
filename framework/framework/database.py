"""Postgres: one pool per process, and the unit of work, the only place that commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Connection, DateTime, Dialect, MetaData, Uuid, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

from framework.deadline import before_commit
from framework.dialect import DRIVER, SeamarkDialect
from framework.pool import SharedPool
from framework.settings import Settings
from framework.statement_limit import StatementLimit, limits
from framework.tracing import trace_statements

if TYPE_CHECKING:
    from asyncpg import Record

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


@cache
def module_metadata(module: str) -> MetaData:
    """The tables of ``module``, in the Postgres schema of its name: one value, whichever of its files asks."""
    return MetaData(schema=module, naming_convention=naming_convention)


def connect_arguments(settings: Settings, process: str) -> dict[str, Any]:
    """asyncpg's arguments. Behind PgBouncer in transaction mode no statement may be kept and none may share a name."""
    arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT}
    if settings.database_pgbouncer:
        arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        arguments["prepared_statement_name_func"] = lambda: f"seamark_{uuid4().hex}"
    else:
        arguments["server_settings"] = {
            "application_name": f"seamark {process}",
            "jit": "off",
            **{name: str(int(seconds * 1000)) for name, seconds in limits(settings).items()},
        }
    return arguments


class Database:
    """The pool of one process and what is borrowed from it.

    No pre-ping: it costs every request 45 % of a statement. What the driver already knows to be closed is refused at no
    cost, and a whole-request retry does what neither can (ADR 0006).
    """

    def __init__(self, settings: Settings, process: str = "web", *, pool_size: int | None = None) -> None:
        self.engine = create_async_engine(
            make_url(settings.database_url.get_secret_value()).set(drivername=DRIVER),
            poolclass=SharedPool,
            pool_size=settings.database_pool_size if pool_size is None else pool_size,
            # Beyond the pool nothing is dialled: under load such connections would be opened and closed all the time.
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            connect_args=connect_arguments(settings, process),
            query_cache_size=1000,
            # An error repeats its statement's parameters, and the log would keep them.
            hide_parameters=settings.is_production,
        )
        self._statement_limit = StatementLimit(
            settings.database_statement_timeout, pgbouncer=settings.database_pgbouncer
        )
        self._statement_limit.listen(self.engine.sync_engine)
        if settings.traces_endpoint:
            trace_statements(self.engine.sync_engine)
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        event.listen(self.engine.sync_engine, "do_connect", _connect)
        self.session_info: dict[str, Any] = {}
        """What every session's ``info`` holds: the application, for what a service does beside its statements."""
        # close_resets_only=False: a session used after its end raises instead of silently taking a new connection.
        options: dict[str, Any] = {
            "expire_on_commit": False,
            "close_resets_only": False,
            "sync_session_class": _Session,
            "info": self.session_info,
        }
        self._writing = async_sessionmaker(self.engine, **options)
        # The same pool; its transactions begin READ ONLY, so a GET that writes fails in every environment (ASVS 3.5.3).
        self._reading = async_sessionmaker(self.engine.execution_options(postgresql_readonly=True), **options)
        # The same pool; SQLAlchemy leaves beginning and ending the transaction to who has begun one.
        self._joining = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def unit_of_work(self, *, read_only: bool = False) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back when it raises.

        Raises ``DeadlineExceededError`` instead of a commit when the deadline has passed, which the block survived.
        """
        session = self._reading() if read_only else self._writing()
        try:
            yield session
            if not read_only and session.in_transaction():
                if session.new or session.dirty or session.deleted:
                    # What is still to be written goes first, so that from here on there is nothing but COMMIT.
                    await session.flush()
                before_commit()
            await session.commit()
        except asyncio.CancelledError:
            # Not rolled back: that is a question to the server, and it may be why there is no time left.
            await session.invalidate()
            raise
        finally:
            # SQLAlchemy's own `async with` would not let itself be cancelled here, however long a rollback takes.
            await session.close()

    @asynccontextmanager
    async def driver_connection(self) -> "AsyncIterator[asyncpg.Connection[Record]]":
        """asyncpg's own connection out of the same pool, for one statement that must cost little."""
        fairy = await self.check_out()
        connection = fairy.driver_connection
        assert isinstance(connection, asyncpg.Connection)
        try:
            await self._statement_limit.of_connection(connection, fairy.info)
            yield connection
        except asyncio.CancelledError:
            # The answer may still be on its way, and whoever borrows the connection next would wait for it.
            fairy.invalidate()
            raise
        except Exception as error:
            if is_lost(connection, error):
                fairy.invalidate()
                raise DatabaseUnavailable("The connection was lost") from error
            raise
        finally:
            await self.check_in(fairy)

    def join(self, fairy: PoolProxiedConnection) -> AsyncSession:
        """A session in the transaction that runs on this connection. Its commit and rollback do not end that."""
        connection = AsyncConnection(self._joining, Connection(self._joining.sync_engine, fairy))
        session: AsyncSession = self._writing(bind=connection)
        return session

    async def check_out(self) -> PoolProxiedConnection:
        """Straight from the pool when one lies idle there: only where it has to dial does it need a greenlet."""
        pool = self._pool
        if not pool.has_idle:
            await pool.reserve()
        if pool.checkedin():
            try:
                return self.engine.sync_engine.raw_connection()
            except MissingGreenlet:  # the idle one was closed, and the pool dials
                pass
        return await self.engine.raw_connection()

    async def check_in(self, fairy: PoolProxiedConnection) -> None:
        """Straight into the pool, where nothing has to be closed; closing needs a greenlet."""
        if fairy.is_valid and _is_closed(fairy):
            fairy.invalidate()
        if fairy.is_valid:
            fairy.close()
        else:
            await greenlet_spawn(fairy.close)

    def show_pool(self) -> None:
        """Let this process's metrics show it."""
        self._pool.show()

    @property
    def has_idle_connection(self) -> bool:
        """Whether a connection can be had without dialling and without making anybody wait."""
        return self._pool.has_idle

    @property
    def _pool(self) -> SharedPool:
        pool = self.engine.sync_engine.pool
        assert isinstance(pool, SharedPool)
        return pool

    async def close(self) -> None:
        await self.engine.dispose()
        assert isinstance(self.engine.dialect, SeamarkDialect)
        await self.engine.dialect.all_left()


def _refuse_closed(connection: Any, *_: object) -> None:
    """A connection that the server ended while it lay in the pool; the driver knows without asking. The pool dials anew."""
    if _is_closed(connection):
        raise DisconnectionError


def _is_closed(connection: Any) -> bool:
    return bool(connection.driver_connection.is_closed())


class _Session(SyncSession):
    """Calls what was left with ``after_commit``. Listening on the class costs nothing; on each session, 45 µs."""


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Call once this session's transaction has committed; never when it rolls back. ``call`` must not raise or block."""
    calls: list[Callable[[], None]] = session.info.setdefault("after_commit", [])
    if call not in calls:
        calls.append(call)


@event.listens_for(_Session, "after_commit")
def _run_after_commit(session: SyncSession) -> None:
    if session.in_nested_transaction():  # a savepoint's release comes by here, too
        return
    for call in session.info.pop("after_commit", ()):
        call()


@event.listens_for(_Session, "after_rollback")
def _forget_after_commit(session: SyncSession) -> None:
    if not session.in_nested_transaction():
        session.info.pop("after_commit", None)


class DatabaseUnavailable(ConnectionError):
    """No connection could be made, or the driver's was lost; the cause says why."""


def _connect(dialect: Dialect, _: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """One error for all that can go wrong: the network's, the time limit's and what Postgres answers instead of a welcome."""
    if not in_greenlet():
        raise MissingGreenlet
    try:
        return dialect.connect(*arguments, **options)
    except (OSError, dialect.loaded_dbapi.Error) as error:
        raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server or the network ended the connection, so that the same work may succeed on another one.

    Not when dialling took too long: doing that again would only make the wait longer.
    """
    if isinstance(error, DatabaseUnavailable):
        return not isinstance(error.__cause__, TimeoutError)
    if isinstance(error, DBAPIError):
        # The server's farewell may be read before the end of the stream: then SQLAlchemy does not know of it yet.
        return error.connection_invalidated or _is_farewell(getattr(error.orig, "__cause__", None))
    return False


def is_out_of_connections(error: BaseException) -> bool:
    """Whether PgBouncer ended the connection because none of its own was free for ``query_wait_timeout``.

    Nothing was sent to Postgres. It has one SQLSTATE for all that it says itself, so its word for it decides.
    """
    said = error.orig if isinstance(error, DBAPIError) else error
    said = said if isinstance(said, asyncpg.PostgresError) else getattr(said, "__cause__", None)
    return isinstance(said, asyncpg.PostgresError) and "query_wait_timeout" in str(said)


def is_lost(connection: "asyncpg.Connection[Record]", error: BaseException) -> bool:
    """Whether this error of the driver means that the connection is of no use any more."""
    # Where a farewell was read while nobody asked anything, the driver calls its own state wrong.
    return connection.is_closed() or _is_farewell(error) or isinstance(error, asyncpg.InternalClientError)


def _is_farewell(error: object) -> bool:
    """Postgres ends the session after it (its protocol, "ErrorResponse"): a shutdown, an administrator, a time limit."""
    return getattr(error, "severity_en", None) in ("FATAL", "PANIC")
