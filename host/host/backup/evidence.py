"""What a drill writes before a disaster, and looks for after it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Self

import asyncpg
import httpx

if TYPE_CHECKING:
    from asyncpg import Connection, Record

ROWS = 2000
WRITERS = 4
PATIENCE = 90.0
SEQUENCES = """
SELECT sequence.oid::regclass::text AS name, owner.relid::regclass::text AS relation, attribute.attname AS column
FROM pg_class sequence
JOIN pg_depend ON pg_depend.objid = sequence.oid AND pg_depend.deptype IN ('a', 'i') AND refobjsubid > 0
CROSS JOIN LATERAL (SELECT refobjid AS relid) owner
JOIN pg_attribute attribute ON attribute.attrelid = refobjid AND attribute.attnum = refobjsubid
WHERE sequence.relkind = 'S'
"""


@dataclass(slots=True)
class Write:
    label: str
    sent: float
    """Seconds since the epoch, by the clock that Postgres has, too."""
    acknowledged: float = 0.0
    """0: it was not."""


class Writers:
    """``async with Writers(url, cookie) as writers``: people who add contacts, one after another, until nobody answers."""

    def __init__(self, url: str, cookie: str) -> None:
        self.writes: list[Write] = []
        self._client = httpx.AsyncClient(base_url=url, timeout=5)
        self._cookie = cookie
        self._over = False

    async def __aenter__(self) -> Self:
        self.began = time.time()
        self._tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)
        await self._client.aclose()

    async def _write(self) -> None:
        while not self._over:
            write = Write(f"drill-{token_hex(8)}", time.time())
            self.writes.append(write)
            person = {"name": write.label, "email": f"{write.label}@example.test"}
            try:
                answer = await self._client.post("/api/contacts", headers={"cookie": self._cookie}, json=person)
            except httpx.TransportError:
                continue
            if answer.status_code < 300:
                write.acknowledged = time.time()


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> str:
    """The header ``Cookie`` of the session."""
    answer = await client.post("/api/users/sign-in", json={"email": email, "password": password})
    answer.raise_for_status()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


def import_file() -> bytes:
    lines = (f"Imported {number},imported{number}@example.test,,,," for number in range(ROWS))
    return "\n".join(["name,email,phone,organisation,notes,tags", *lines, ""]).encode()


async def upload(client: httpx.AsyncClient, cookie: str, content: bytes) -> str:
    answer = await client.post(
        "/api/contacts/imports", headers={"cookie": cookie}, files={"file": ("people.csv", content, "text/csv")}
    )
    answer.raise_for_status()
    id_: str = answer.json()["id"]
    return id_


async def uploaded(connection: "Connection[Record]", import_id: str) -> bytes:
    content: bytes = await connection.fetchval(
        "SELECT string_agg(data, ''::bytea ORDER BY number) FROM contacts.import_chunk WHERE import_id = $1", import_id
    )
    return content


async def import_finished(connection: "Connection[Record]", import_id: str) -> bool:
    status = await connection.fetchval("SELECT status FROM contacts.import WHERE id = $1", import_id)
    return bool(status == "succeeded")


async def imported(connection: "Connection[Record]") -> int:
    return int(await connection.fetchval("SELECT count(*) FROM contacts.contact WHERE name LIKE 'Imported %'"))


async def names(connection: "Connection[Record]") -> set[str]:
    return {row[0] for row in await connection.fetch("SELECT name FROM contacts.contact")}


async def drained(connection: "Connection[Record]") -> bool:
    waiting = "SELECT count(*) FROM seamark.task WHERE state = 'queued' AND due_at <= now()"
    return not await connection.fetchval(waiting)


async def sequences_behind(connection: "Connection[Record]") -> list[str]:
    behind = []
    for row in await connection.fetch(SEQUENCES):
        last = await connection.fetchval(f"SELECT last_value FROM {row['name']}")  # noqa: S608 - as Postgres quotes it
        highest = await connection.fetchval(f'SELECT max("{row["column"]}") FROM {row["relation"]}')  # noqa: S608
        if highest is not None and highest > last:
            behind.append(row["name"])
    return behind


async def recovered(url: str) -> None:
    """Until a server that was restored has replayed all of its WAL. It answers before that, read-only, with what it has so far."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        while await connection.fetchval("SELECT pg_is_in_recovery()"):  # noqa: ASYNC110 - Postgres tells nobody
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await condition():
            return True
        await asyncio.sleep(0.1)
    return False
