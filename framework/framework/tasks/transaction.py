"""The transaction of a task's effect."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from framework.database import Database, DatabaseUnavailable, is_lost

if TYPE_CHECKING:
    from asyncpg import Record

log = structlog.get_logger()
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Transaction:
    """Commits at the end of the block, and rolls back when it raises.

    The runner's statements go straight to the driver; a session joins them when somebody asks for one. To a small task
    that never does, it would cost as much as all the rest.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: AsyncSession | None = None
        self._after_commit: list[Callable[[], None]] = []
        self._commit_sent = False

    async def __aenter__(self) -> Self:
        self._pooled = await self._database.check_out()
        connection = self._pooled.driver_connection
        assert isinstance(connection, asyncpg.Connection)
        self._connection: asyncpg.Connection[Record] = connection
        self._transaction = connection.transaction()
        try:
            await self._transaction.start()
        except BaseException as error:
            self._pooled.invalidate()
            await self._leave()
            self._raise_lost(error)
            raise
        return self

    @property
    def session(self) -> AsyncSession:
        """In this transaction, which is not the session's to commit or to roll back; savepoints are."""
        if self._session is None:
            self._session = self._database.join(self._pooled)
            self._begun = self._session.sync_session.begin()
        return self._session

    async def row(self, statement: str, *values: Any) -> "Record | None":
        """The first row, in the driver's own form."""
        return await self._connection.fetchrow(statement, *values)

    async def execute(self, statement: str, *values: Any) -> None:
        await self._connection.execute(statement, *values)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Once it has committed; never when it rolls back. ``call`` must not raise or block."""
        self._after_commit.append(call)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._commit()
        except BaseException as second:
            error = second
            raise
        finally:
            try:
                if error is not None:
                    await self._roll_back()
            finally:
                await self._leave()
            self._raise_lost(error)
        if error is None:
            for call in self._after_commit:
                call()

    async def _commit(self) -> None:
        if self._session is not None:
            if self._session.sync_session.get_transaction() is not self._begun:
                raise RuntimeError("a task's session is not the task's to commit or to roll back; use begin_nested()")
            await self._session.flush()
        self._commit_sent = True
        await self._transaction.commit()
        if self._session is not None:
            # Nothing is left to write: this is for those who wait for the commit.
            await self._session.commit()

    async def _roll_back(self) -> None:
        """At once, so that the row is free again; where nobody knows how far it came, nobody else has the connection."""
        free = False
        try:
            if not self._commit_sent and not self._connection.is_closed():
                await self._transaction.rollback()
                free = True
        except Exception as error:  # noqa: BLE001 - what went wrong before is told
            log.debug("not rolled back", error=repr(error))
        finally:
            if not free and self._pooled.is_valid:
                self._pooled.invalidate()

    async def _leave(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self._database.check_in(self._pooled)

    def _raise_lost(self, error: BaseException | None) -> None:
        """Only what the driver says of the connection: a task that fails for another reason may close it, too."""
        if isinstance(error, DRIVER_ERRORS) and is_lost(self._connection, error):
            raise DatabaseUnavailable("The connection was lost") from error
