import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from framework.database import Database, type_map
from framework.listing import Listing, ListParameters
from framework.problems import Problem
from sqlalchemy import BigInteger, bindparam, func, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

SOME_ID = "0198c0de-0000-7000-8000-000000000001"


class Base(DeclarativeBase):
    type_annotation_map = type_map


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    weight: Mapped[int]
    distance: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]


_thing = Thing.__table__.c
things = Listing(
    select(_thing.id, _thing.name).where(_thing.weight >= bindparam("at_least", 0)),
    id=_thing.id,
    sorts={"name": _thing.name, "weight": _thing.weight, "distance": _thing.distance, "made_at": _thing.made_at},
    default_sort="-weight",
    search=lambda q: func.strpos(_thing.name, q) > 0,
    search_term=str.lower,
)
SOMEONE = "0199f0aa-0000-7000-8000-000000000000"
SORTS = [sort for name in ("name", "weight", "distance", "made_at") for sort in (name, f"-{name}")]


@pytest.fixture(autouse=True)
async def table(database: Database) -> AsyncIterator[None]:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        begin = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC)
        rows = [
            {
                "name": f"thing {number % 5}",
                "weight": number % 7,
                "distance": 2**40 + number % 3,
                "made_at": begin + timedelta(seconds=number // 2),
            }
            for number in range(23)
        ]
        await connection.execute(insert(Thing), rows)
    yield
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)


async def everything(database: Database, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await things.page(database, ListParameters(cursor=cursor, limit=4, **query))
        assert len(page["items"]) == 4 or page["next_cursor"] is None
        found += page["items"]
        cursor = page["next_cursor"]
    return found


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_put_together_are_the_whole_list_in_its_order(database: Database, sort: str) -> None:
    found = await everything(database, sort=sort)

    keys = [(row["sort_key"], row["id"]) for row in found]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(set(keys)) == 23


async def test_without_a_sort_the_default_counts(database: Database) -> None:
    assert await everything(database) == await everything(database, sort="-weight")


async def test_the_last_page_says_so_also_when_it_is_full(database: Database) -> None:
    assert (await things.page(database, ListParameters(limit=23)))["next_cursor"] is None


async def test_a_search_is_prepared_and_combined_with_a_cursor(database: Database) -> None:
    found = await everything(database, q="THING 2")

    assert [row["name"] for row in found] == ["thing 2"] * 5


async def test_a_list_takes_conditions_of_its_own(database: Database) -> None:
    page = await things.page(database, ListParameters(sort="weight"), at_least=6)

    assert {row["sort_key"] for row in page["items"]} == {6}


async def test_an_order_that_is_not_offered_is_refused_with_those_that_are(database: Database) -> None:
    with pytest.raises(Problem) as refused:
        await things.page(database, ListParameters(sort="--name"))

    assert (refused.value.status, refused.value.code) == (422, "list.invalid_sort")
    assert "name, weight, distance, made_at" in refused.value.detail


def forged(*position: object) -> str:
    return urlsafe_b64encode(json.dumps(position).encode()).decode()


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("name", "garbage"),
        ("name", "ü"),
        ("name", urlsafe_b64encode(b"\xff\xfe").decode()),
        ("name", forged("weight", 3, SOMEONE)),
        ("-name", forged("name", "a", SOMEONE)),
        ("name", forged("name", "a")),
        ("name", forged("name", "a", "no id")),
        ("name", forged("name", "nul \x00", SOMEONE)),
        ("name", forged("name", "half \ud800", SOMEONE)),
        ("weight", forged("weight", 2**31, SOMEONE)),
        ("weight", forged("weight", 1.5, SOMEONE)),
        ("distance", forged("distance", 2**63, SOMEONE)),
        ("made_at", forged("made_at", "2026-01-01T00:00:00", SOMEONE)),
        ("made_at", forged("made_at", "yesterday", SOMEONE)),
    ],
)
async def test_a_cursor_that_this_order_did_not_give_is_refused(database: Database, sort: str, cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        await things.page(database, ListParameters(sort=sort, cursor=cursor))

    assert (refused.value.status, refused.value.code) == (422, "list.invalid_cursor")
