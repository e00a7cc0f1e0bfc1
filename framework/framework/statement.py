"""Reads that must cost little: a select built once, compiled once, run on the driver's own connection."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from framework.database import Database


class Statement:
    """A select as asyncpg takes it. A session and its transaction cost three times that (ADR 0010).

    For a list or a row by its key, made when a module is imported and compiled when it first runs. Columns come as
    asyncpg gives them: text, numbers, times, UUIDs, arrays; a JSON column would come as text.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[str], Mapping[str, Any]]:
        compiled = self._statement.compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
        return compiled.string, getattr(compiled, "positiontup", None) or (), compiled.params

    async def fetch(self, database: Database, **values: Any) -> list[dict[str, Any]]:
        """The rows, by the names of their columns. One statement sees one state, so it needs no transaction."""
        sql, names, constants = self._compiled
        arguments = {**constants, **values}
        async with database.driver_connection() as connection:
            records = await connection.fetch(sql, *[arguments[name] for name in names])
        return [dict(record) for record in records]
