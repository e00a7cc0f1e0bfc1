"""Lists: a page at a time by keyset, in a stable order, sorted by what the list allows; statements are built once.

An offset would skip and repeat rows while others are inserted, and costs more the further a reader goes
(M. Winand, "We need tool support for keyset pagination"); a keyset does neither.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypedDict
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from sqlalchemy import BigInteger, ColumnElement, Integer, Select, Text, Uuid, bindparam, tuple_
from sqlalchemy.types import TypeEngine

from framework.database import Database
from framework.problems import Problem
from framework.statement import Statement

# Postgres' text holds any character but this one, and a parameter with it would be a 500.
WITHOUT_NUL = StringConstraints(pattern=r"^[^\x00]*$")


class ListParameters(BaseModel):
    """The query of every list. A list with filters of its own takes a subclass."""

    model_config = ConfigDict(frozen=True)

    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), WITHOUT_NUL] = Field(
        "", description="Only what matches this search."
    )
    sort: str = Field("", max_length=100, description="A field to sort by; a leading `-` reverses.")
    cursor: str = Field("", max_length=4000, description="`next_cursor` of the page before.")
    limit: int = Field(20, ge=1, le=100, description="Items a page.")


# Declared as a model, the four cost 30 µs a request; a dependency with four parameters costs 40. Parsing by hand would
# cost 15, and leave the parameters out of the OpenAPI document.
ListQuery = Annotated[ListParameters, Query()]


class Page[Item](BaseModel):
    """A page of a list. ``next_cursor`` is ``null`` on the last one."""

    items: list[Item]
    next_cursor: str | None


class PageRows(TypedDict):
    """A page before FastAPI validates and serialises it, once, by ``response_model=Page[…]``."""

    items: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """One sort in one direction: its statements by (searching, after a cursor), and what its cursors look like."""

    sort: str
    statements: Mapping[tuple[bool, bool], Statement]
    position: TypeAdapter[tuple[str, Any, UUID]]

    def cursor(self, row: Mapping[str, Any]) -> str:
        """Opaque to clients: the sort, this row's sort key and its id."""
        position = self.position.dump_json((self.sort, row["sort_key"], row["id"]))
        return urlsafe_b64encode(position).decode().rstrip("=")

    def read(self, cursor: str) -> tuple[Any, UUID]:
        """The sort key and id that a cursor of this order names. Raises ``Problem`` 422 for any other string."""
        try:
            encoded = cursor.encode("ascii")
            sort, key, id_ = self.position.validate_json(urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
        except ValueError:  # not ASCII, not base64, not JSON, or not of these types
            sort, key, id_ = "", None, UUID(int=0)
        if sort != self.sort:
            raise Problem(422, "list.invalid_cursor", "This cursor is not of this list in this order. Start again.")
        return key, id_


class Listing:
    """A list that a module offers, made once when the module is imported.

    ``rows`` selects the columns of an item, ``id`` (labelled so) among them. ``sorts`` are the names a client may sort
    by and the columns they mean: never null, and each with an index on (column, id) where the table may grow. ``search``
    makes the condition that ``q`` adds out of the placeholder for it; ``search_term`` prepares the value.
    """

    def __init__(
        self,
        rows: Select[*tuple[Any, ...]],
        *,
        id: ColumnElement[UUID],  # noqa: A002 - what the column is called
        sorts: Mapping[str, ColumnElement[Any]],
        default_sort: str,
        search: Callable[[ColumnElement[str]], ColumnElement[bool]],
        search_term: Callable[[str], str] = str,
    ) -> None:
        matching = search(bindparam("q", type_=Text()))
        self._sorts = ", ".join(sorts)
        self._search_term = search_term
        self._orders = {
            sort: _order(rows, id, key, sort, matching) for name, key in sorts.items() for sort in (name, f"-{name}")
        }
        self._orders[""] = self._orders[default_sort]

    async def page(self, database: Database, query: ListParameters, **parameters: Any) -> PageRows:
        """The page that ``query`` asks for. ``parameters`` are bound to further placeholders of ``rows``.

        Runs outside of the request's unit of work: a session and its transaction cost three times the statement (ADR 0010).
        Raises ``Problem`` 422 ``list.invalid_sort`` or ``list.invalid_cursor``.
        """
        order = self._orders.get(query.sort)
        if order is None:
            raise Problem(422, "list.invalid_sort", f"Sort by one of: {self._sorts}; a leading - reverses.")
        values = {**parameters, "page_size": query.limit + 1}
        if query.q:
            values["q"] = self._search_term(query.q)
        if query.cursor:
            values["after_key"], values["after_id"] = order.read(query.cursor)
        items = await order.statements[bool(query.q), bool(query.cursor)].fetch(database, **values)
        # One row more than asked for says whether there is another page.
        more = len(items) > query.limit
        return {"items": items[: query.limit], "next_cursor": order.cursor(items[query.limit - 1]) if more else None}


def _order(
    rows: Select[*tuple[Any, ...]],
    id_: ColumnElement[UUID],
    key: ColumnElement[Any],
    sort: str,
    matching: ColumnElement[bool],
) -> Order:
    place = tuple_(key, id_)
    cursor = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=Uuid()))
    descending = sort.startswith("-")
    ordered = rows.add_columns(key.label("sort_key")).limit(bindparam("page_size", type_=BigInteger()))
    ordered = ordered.order_by(key.desc(), id_.desc()) if descending else ordered.order_by(key, id_)
    after = place < cursor if descending else place > cursor
    statements = {
        (searching, continued): Statement(ordered.where(*[matching] * searching, *[after] * continued))
        for searching in (False, True)
        for continued in (False, True)
    }
    value: Any = _storable(key.type)
    return Order(sort, statements, TypeAdapter(tuple[str, value, UUID]))


def _storable(column: TypeEngine[Any]) -> Any:
    """The values that Postgres takes for a column: a crafted cursor must be a 422, never a failing statement."""
    if isinstance(column, Integer):
        bits = 63 if isinstance(column, BigInteger) else 31
        return Annotated[int, Field(ge=-(2**bits), lt=2**bits)]
    return {str: Annotated[str, WITHOUT_NUL], datetime: AwareDatetime}.get(column.python_type, column.python_type)
