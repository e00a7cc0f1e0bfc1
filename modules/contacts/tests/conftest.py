from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient

type Import = Callable[..., Awaitable[dict[str, Any]]]
type RunTasks = Callable[[], Awaitable[list[tuple[str, Any]]]]


@pytest.fixture
async def people(signed_in_client: Callable[..., Awaitable[AsyncClient]]) -> AsyncClient:
    """The client of somebody who may see and change contacts."""
    return await signed_in_client(permissions=("contacts.view", "contacts.write"))


@pytest.fixture
def upload(people: AsyncClient) -> Import:
    """``await upload("name,email\\n…")``: hands a file in, and answers with the import as it then stands."""

    async def upload(content: str | bytes, filename: str = "people.csv") -> dict[str, Any]:
        data = content.encode() if isinstance(content, str) else content
        answer = await people.post("/api/contacts/imports", files={"file": (filename, data, "text/csv")})
        assert answer.status_code == 202, answer.text
        started: dict[str, Any] = (await people.get(f"/api/contacts/imports/{answer.json()['id']}")).json()
        return started

    return upload


@pytest.fixture
def import_file(people: AsyncClient, upload: Import, run_tasks: RunTasks) -> Import:
    """The same, and lets a worker finish it."""

    async def import_file(content: str | bytes) -> dict[str, Any]:
        started = await upload(content)
        await run_tasks()
        done: dict[str, Any] = (await people.get(f"/api/contacts/imports/{started['id']}")).json()
        return done

    return import_file
