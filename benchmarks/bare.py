"""The floor: the same answers from FastAPI and asyncpg, with nothing in between: ``uvicorn benchmarks.bare:app``.

Nobody is signed in: the account is known beforehand, and what it may do is a constant.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from contacts.schemas import ContactItem
from fastapi import Depends, FastAPI, Query, Request
from framework.listing import Page
from users.schemas import Me

from benchmarks.routes import greet

ACCOUNT = "SELECT id, email, name FROM users.account WHERE id = $1"
CONTACTS = """
SELECT contact.id, contact.name, email, phone, coalesce(organisation.name, '') AS organisation, notes, tags, version,
       created_at, updated_at
FROM contacts.contact LEFT JOIN contacts.organisation ON organisation.id = organisation_id
WHERE deleted_at IS NULL ORDER BY contact.name_key, contact.id LIMIT $1
"""
KNOWN = json.loads(os.environ["BENCHMARK_ACCOUNT"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCHMARK_DSN"], min_size=5, max_size=10) as pool:
        app.state.pool = pool
        yield


async def _pool(request: Request) -> Any:
    return request.app.state.pool


Pool = Annotated[Any, Depends(_pool)]
app = FastAPI(lifespan=lifespan, openapi_url=None, telemetry={"tracing": False, "metrics": False})
app.get("/api/greeting")(greet)


@app.get("/api/users/me")
async def read_me(pool: Pool) -> Me:
    row = await pool.fetchrow(ACCOUNT, UUID(KNOWN["id"]))
    return Me(**row, roles=KNOWN["roles"], permissions=KNOWN["permissions"])


@app.get("/api/contacts", response_model=Page[ContactItem])
async def list_contacts(pool: Pool, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Any:
    rows = [dict(row) for row in await pool.fetch(CONTACTS, limit + 1)]
    return {"items": rows[:limit], "next_cursor": str(rows[limit]["id"]) if len(rows) > limit else None}
