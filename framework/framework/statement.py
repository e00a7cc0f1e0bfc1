"""Reads that must cost little: a select built once, compiled once, run on the driver's own connection."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from framework.database import Database


class Statement:
    """``statement`` compiled to what asyncpg takes. A session and its transaction cost three times that.

    For a list or a row by its key, made when a module is imported. Columns come as asyncpg gives them: text, numbers,
    times, UUIDs, arrays; a JSON column would come as text.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
        self.sql = compiled.string
        self._names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._constants = compiled.params

    async def fetch(self, database: Database, **values: Any) -> list[dict[str, Any]]:
        """The rows, by the names of their columns. One statement sees one state, so it needs no transaction."""
        arguments = {**self._constants, **values}
        async with database.driver_connection() as connection:
            records = await connection.fetch(self.sql, *[arguments[name] for name in self._names])
        return [dict(record) for record in records]
