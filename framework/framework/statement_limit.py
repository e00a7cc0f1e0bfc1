"""The time limits of a connection, and a statement that outlives no deadline: Postgres itself ends it.

Cancelling the work asks Postgres to cancel the query. This is for when it cannot be asked: a network that swallows
everything leaves the query running, with its locks.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event

from framework.deadline import remaining
from framework.settings import Settings

if TYPE_CHECKING:
    import asyncpg

SLACK = 0.25
"""Seconds after the deadline at which Postgres ends what still runs; until then the cancellation may do it."""
TOLERANCE = 0.5
"""Seconds by which a limit may be wrong before it is worth a round trip to change it."""
LOCK_SHARE = 0.5
"""Of a statement's time, for waiting for a lock."""
IDLE_BEYOND = 20.0
"""Seconds for which a transaction may do nothing, beyond a whole request."""
SET = "SELECT set_config('statement_timeout', $1, $2)"
# In a connection's ``info``: seconds, and for a transaction also whose they are.
OF_CONNECTION = "seamark.statement_timeout"
OF_TRANSACTION = "seamark.statement_timeout.local"


def limits(settings: Settings) -> dict[str, float]:
    """Seconds, by the names of Postgres' settings."""
    statement = settings.database_statement_timeout
    return {
        "statement_timeout": statement,
        "lock_timeout": statement * LOCK_SHARE,
        "idle_in_transaction_session_timeout": settings.database_idle_timeout
        or settings.request_deadline + IDLE_BEYOND,
        # How soon the server notices, in the middle of a query, that nobody is there any more to take the answer.
        "client_connection_check_interval": TOLERANCE,
    }


class StatementLimit:
    """Tightens ``statement_timeout`` to what is left of the deadline, where that is less than a connection has.

    ``usual`` is what connections begin with, in seconds. A statement that has as much left costs half a microsecond.
    """

    def __init__(self, usual: float, *, pgbouncer: bool) -> None:
        self.usual = usual
        self.pgbouncer = pgbouncer

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self._of_transaction)

    def _of_transaction(self, connection: Connection, *_: object) -> None:
        wanted = remaining(self.usual - SLACK) + SLACK
        info = connection.info
        transaction = connection.get_nested_transaction() or connection.get_transaction()
        owner, has = info.get(OF_TRANSACTION, (None, self.usual))
        if owner is not transaction:
            # Of another transaction, or of a savepoint that may have been rolled back: nothing of it is left.
            has = info.get(OF_CONNECTION, self.usual)
        if abs(has - wanted) > TOLERANCE:
            cursor = connection.connection.cursor()
            cursor.execute(SET, (_milliseconds(wanted), True))
            cursor.close()
            info[OF_TRANSACTION] = transaction, wanted

    async def of_connection(self, connection: "asyncpg.Connection[asyncpg.Record]", info: dict[Any, Any]) -> None:
        """For a statement outside of a transaction. It stays until the next one that needs another.

        Behind PgBouncer the next one may be somebody else's, so there the cancellation is all.
        """
        wanted = remaining(self.usual - SLACK) + SLACK
        if abs(info.get(OF_CONNECTION, self.usual) - wanted) > TOLERANCE and not self.pgbouncer:
            await connection.execute(SET, _milliseconds(wanted), False)
            info[OF_CONNECTION] = wanted


def _milliseconds(seconds: float) -> str:
    # 0 would mean no limit at all.
    return str(max(1, int(seconds * 1000)))
