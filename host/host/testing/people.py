"""People for tests: made by the services of ``users``, signed in by its real route.

The one place of the host that knows a module. Who authenticates by another module gives these two fixtures there.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI
    from framework.application import Application
    from framework.settings import Settings

PASSWORD = "correct horse battery staple"  # noqa: S105 - everybody's in the tests

type SignIn = Callable[..., Awaitable[UUID]]
type SignedInClient = Callable[..., Awaitable[httpx.AsyncClient]]


async def create_person(
    application: "Application", permissions: Collection[str], email: str, *, administrator: bool
) -> UUID:
    """An account with a role of its own that holds ``permissions``."""
    from framework.principal import Principal
    from users import accounts, roles
    from users.authentication import ADMINISTRATOR
    from users.passwords import passwords
    from users.schemas import NewAccountBody, RoleBody

    everything = application.permissions
    nobody = UUID(int=0)
    actor = Principal(nobody, nobody, "tests@example.com", "Tests", (ADMINISTRATOR,), everything, datetime.now(UTC))
    names = {ADMINISTRATOR} if administrator else set()
    hashed = await passwords().hash(PASSWORD)
    async with application.database.unit_of_work() as session:
        if permissions:
            role = f"test-{uuid4().hex[:12]}"
            body = RoleBody(label="Of a test", permissions=frozenset(permissions))
            await roles.put(session, actor, role, body, everything)
            names.add(role)
        account: dict[str, Any] = {"email": email, "name": "Ada Lovelace", "password": PASSWORD, "roles": names}
        return (await accounts.create(session, actor, NewAccountBody(**account), hashed)).id


@pytest.fixture
def sign_in(application: "Application") -> SignIn:
    """``await sign_in(client, permissions=("contacts.view",))``: a new person, whose cookie the client then has."""

    async def sign_in(
        client: "httpx.AsyncClient",
        permissions: Collection[str] = (),
        *,
        email: str | None = None,
        administrator: bool = False,
    ) -> UUID:
        email = email or f"{uuid4().hex[:12]}@example.com"
        account = await create_person(application, permissions, email, administrator=administrator)
        answer = await client.post("/api/users/sign-in", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 204, answer.text
        if client.base_url.scheme == "http":
            # The cookies are for https only, and a live client has no TLS.
            cookies = answer.headers.get_list("set-cookie")
            client.headers["cookie"] = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        return account

    return sign_in


@pytest.fixture
async def signed_in_client(app: "FastAPI", settings: "Settings", sign_in: SignIn) -> AsyncIterator[SignedInClient]:
    """``await signed_in_client(permissions=("contacts.view",))``: another person's client at each call."""
    import httpx

    async with AsyncExitStack() as stack:

        async def make(permissions: Collection[str] = (), **who: Any) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url=settings.public_url)
            )
            await sign_in(client, permissions, **who)
            return client

        yield make
