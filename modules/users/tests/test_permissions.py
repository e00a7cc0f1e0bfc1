"""Who may call what: every route of the module, by everybody there is."""

from uuid import UUID

import pytest
from host.testing.people import SignedInClient
from httpx import AsyncClient
from users.routes import router

ID = str(UUID(int=7))
VIEW, MANAGE, ANYBODY_SIGNED_IN, ANYBODY = "users.view", "users.manage", "signed in", "anybody"
ROUTES = {
    ("POST", "/api/users/sign-in"): ANYBODY,
    ("POST", "/api/users/sign-out"): ANYBODY,
    ("GET", "/api/users/me"): ANYBODY_SIGNED_IN,
    ("PATCH", "/api/users/me"): ANYBODY_SIGNED_IN,
    ("POST", "/api/users/me/password"): ANYBODY_SIGNED_IN,
    ("GET", "/api/users/me/sessions"): ANYBODY_SIGNED_IN,
    ("DELETE", "/api/users/me/sessions/{id}"): ANYBODY_SIGNED_IN,
    ("GET", "/api/users/accounts"): VIEW,
    ("POST", "/api/users/accounts"): MANAGE,
    ("GET", "/api/users/accounts/{id}"): VIEW,
    ("PATCH", "/api/users/accounts/{id}"): MANAGE,
    ("DELETE", "/api/users/accounts/{id}"): MANAGE,
    ("POST", "/api/users/accounts/{id}/end-sessions"): MANAGE,
    ("POST", "/api/users/accounts/{id}/forget-failed-sign-ins"): MANAGE,
    ("GET", "/api/users/roles"): VIEW,
    ("PUT", "/api/users/roles/{name}"): MANAGE,
    ("DELETE", "/api/users/roles/{name}"): MANAGE,
    ("GET", "/api/users/permissions"): VIEW,
}


async def status(client: AsyncClient, method: str, path: str) -> int:
    """An empty body is enough to see whether the route let the caller in: what refuses it then is 422 or 404."""
    return (await client.request(method, path.format(id=ID, name="clerk"), json={})).status_code


def test_the_table_names_every_route() -> None:
    assert ROUTES.keys() == {(method, route.path) for route in router.routes for method in route.methods}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_each_route_lets_in_whom_it_should_and_nobody_else(
    client: AsyncClient, signed_in_client: SignedInClient, method: str, path: str
) -> None:
    needed = ROUTES[method, path]
    refused_first = 401 if needed != ANYBODY else None
    callers = {
        ANYBODY: client,
        ANYBODY_SIGNED_IN: await signed_in_client(),
        "another permission": await signed_in_client({VIEW if needed == MANAGE else MANAGE}),
        "the permission": await signed_in_client({needed} if needed in (VIEW, MANAGE) else ()),
        "administrator": await signed_in_client(administrator=True),
    }
    found = {name: await status(caller, method, path) for name, caller in callers.items()}
    open_to_signed_in = needed in (ANYBODY, ANYBODY_SIGNED_IN)
    assert (found[ANYBODY] == 401) is (refused_first == 401), found
    assert (found[ANYBODY_SIGNED_IN] == 403) is not open_to_signed_in, found
    assert (found["another permission"] == 403) is not open_to_signed_in, found
    assert found["the permission"] not in (401, 403), found
    assert found["administrator"] not in (401, 403), found
