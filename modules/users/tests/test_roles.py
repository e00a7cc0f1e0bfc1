import pytest
from framework.application import Application
from host.testing.people import SignedInClient
from httpx import AsyncClient

ROLES = "/api/users/roles"


@pytest.fixture
async def admin(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(administrator=True)


async def put(client: AsyncClient, name: str, *permissions: str) -> dict[str, object]:
    answer = await client.put(f"{ROLES}/{name}", json={"label": name.title(), "permissions": permissions})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_role_is_made_changed_and_deleted(admin: AsyncClient) -> None:
    made = await put(admin, "clerk", "users.view", "users.manage")
    assert made == {
        "name": "clerk",
        "label": "Clerk",
        "permissions": ["users.manage", "users.view"],
        "built_in": False,
    }
    changed = await put(admin, "clerk", "users.view")
    assert (await admin.get(ROLES)).json()[1:] == [changed]
    assert (await admin.delete(f"{ROLES}/clerk")).status_code == 204
    assert (await admin.delete(f"{ROLES}/clerk")).json()["code"] == "users.role_not_found"
    assert [role["name"] for role in (await admin.get(ROLES)).json()] == ["administrator"]


async def test_the_administrator_holds_every_permission_of_the_enabled_modules(
    admin: AsyncClient, application: Application
) -> None:
    declared = sorted(permission.name for module in application.modules for permission in module.permissions)
    [administrator] = (await admin.get(ROLES)).json()
    assert administrator["permissions"] == declared
    assert administrator["built_in"] is True
    assert (await admin.get("/api/users/me")).json()["permissions"] == declared
    assert sorted(item["name"] for item in (await admin.get("/api/users/permissions")).json()) == declared


async def test_the_administrators_role_cannot_be_edited(admin: AsyncClient) -> None:
    answers = [
        await admin.put(f"{ROLES}/administrator", json={"label": "A", "permissions": []}),
        await admin.delete(f"{ROLES}/administrator"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "users.role_built_in")] * 2


async def test_a_role_grants_only_what_some_module_declares(admin: AsyncClient) -> None:
    answer = await admin.put(f"{ROLES}/clerk", json={"label": "Clerk", "permissions": ["users.view", "users.fly"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "users.unknown_permission")
    assert "users.fly" in answer.json()["errors"][0]["message"]


async def test_a_permission_of_a_disabled_module_is_kept_and_grants_nothing(
    admin: AsyncClient, application: Application, signed_in_client: SignedInClient
) -> None:
    bob = await signed_in_client({"users.view", "users.manage"})
    [name] = (await bob.get("/api/users/me")).json()["roles"]
    both = {"label": "Both", "permissions": ["users.manage", "users.view"]}
    everything, application.permissions = application.permissions, application.permissions - {"users.view"}
    try:
        assert (await bob.get("/api/users/me")).json()["permissions"] == ["users.manage"]
        assert (await admin.put(f"{ROLES}/{name}", json=both)).status_code == 200
        assert (await admin.put(f"{ROLES}/another", json=both)).json()["code"] == "users.unknown_permission"
    finally:
        application.permissions = everything
    assert (await bob.get("/api/users/me")).json()["permissions"] == ["users.manage", "users.view"]


@pytest.mark.parametrize("name", ["Clerk", "1st", "a b", "é", "x" * 51, "a%00"])
async def test_a_roles_name_is_an_identifier(admin: AsyncClient, name: str) -> None:
    answer = await admin.put(f"{ROLES}/{name}", json={"label": "Clerk", "permissions": []})
    assert answer.status_code == 422


async def test_deleting_a_role_takes_it_from_everybody(admin: AsyncClient, signed_in_client: SignedInClient) -> None:
    await put(admin, "clerk", "users.view")
    bob = await signed_in_client()
    bobs = f"/api/users/accounts/{(await bob.get('/api/users/me')).json()['id']}"
    await admin.patch(bobs, json={"roles": ["clerk"]})
    await admin.delete(f"{ROLES}/clerk")
    assert (await bob.get("/api/users/me")).json()["roles"] == []
