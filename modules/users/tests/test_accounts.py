import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from framework.application import Application
from framework.events import Subscription
from framework.module import Module
from framework.subscriptions import write_subscriptions
from framework.tasks import TaskRun
from host.testing.people import PASSWORD, SignedInClient
from httpx import AsyncClient
from users.contract import AccountDeleted, account_names

ACCOUNTS = "/api/users/accounts"
BOB: dict[str, Any] = {"email": "bob@example.com", "name": "Bob", "password": "tiny wheel of cheddar", "roles": []}


@pytest.fixture
async def admin(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client(administrator=True, email="admin@example.com")


@pytest.fixture
async def manager(signed_in_client: SignedInClient) -> AsyncClient:
    """Manages accounts without being an administrator."""
    return await signed_in_client({"users.manage"}, email="manager@example.com")


async def my_id(client: AsyncClient) -> str:
    return str((await client.get("/api/users/me")).json()["id"])


async def create(client: AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post(ACCOUNTS, json=BOB | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_an_account_is_created_and_can_sign_in(admin: AsyncClient, client: AsyncClient) -> None:
    account = await create(admin, email="Bob@Example.com", name=" Bob ")
    assert account.keys() == {"id", "email", "name", "active", "roles", "created_at", "version"}
    assert (account["email"], account["name"], account["active"]) == ("bob@example.com", "Bob", True)
    assert (await admin.get(f"{ACCOUNTS}/{account['id']}")).json() == account
    answer = await client.post("/api/users/sign-in", json={"email": BOB["email"], "password": BOB["password"]})
    assert answer.status_code == 204


async def test_two_accounts_cannot_have_one_address(admin: AsyncClient) -> None:
    await create(admin)
    answer = await admin.post(ACCOUNTS, json=BOB | {"email": "BOB@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "users.email_taken")
    assert answer.json()["errors"][0]["field"] == "email"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Bob\x00"}, "name"),
        ({"name": "Bob\u202eboB"}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "bob@example.com"}, "password"),
        ({"roles": ["nonsense"]}, "roles"),
        ({"administrator": True}, "administrator"),
        ({"id": str(uuid4())}, "id"),
        ({"active": False}, "active"),
        ({"password_hash": "x"}, "password_hash"),
    ],
)
async def test_what_is_wrong_or_undeclared_is_refused_by_field(
    admin: AsyncClient, changes: dict[str, Any], field: str
) -> None:
    answer = await admin.post(ACCOUNTS, json=BOB | changes)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert [item["email"] for item in (await admin.get(ACCOUNTS)).json()["items"]] == ["admin@example.com"]


@pytest.mark.parametrize("field", ["administrator", "email", "password_hash", "permissions", "id", "created_at"])
async def test_a_change_of_anything_undeclared_is_refused(admin: AsyncClient, field: str) -> None:
    account = await create(admin)
    for path in (f"{ACCOUNTS}/{account['id']}", "/api/users/me"):
        answer = await admin.patch(path, json={"name": "New", field: "x"})
        assert answer.status_code == 422
    assert (await admin.get(f"{ACCOUNTS}/{account['id']}")).json() == account


async def test_accounts_are_listed_searched_and_paged(admin: AsyncClient) -> None:
    for name in ("bob", "Alice", "Carol_x"):
        await create(admin, email=f"{name}@example.com", name=name)

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await admin.get(f"{ACCOUNTS}?{query}")).json()["items"]]

    assert await names("") == ["Ada Lovelace", "Alice", "bob", "Carol_x"]
    assert await names("sort=-email") == ["Carol_x", "bob", "Alice", "Ada Lovelace"]
    assert await names("q=ALI") == ["Alice"]
    assert await names("q=_") == ["Carol_x"]
    assert await names("q=%25") == []
    first = (await admin.get(f"{ACCOUNTS}?limit=3")).json()
    assert await names(f"limit=3&cursor={first['next_cursor']}") == ["Carol_x"]


async def test_deactivating_ends_every_session_and_reactivating_brings_none_back(
    admin: AsyncClient, signed_in_client: SignedInClient
) -> None:
    bob = await signed_in_client(email="bob@example.com")
    path = f"{ACCOUNTS}/{await my_id(bob)}"
    assert (await admin.patch(path, json={"active": False})).json()["active"] is False
    assert (await bob.get("/api/users/me")).status_code == 401
    await admin.patch(path, json={"active": True})
    assert (await bob.get("/api/users/me")).status_code == 401


async def test_an_administrator_ends_the_sessions_of_anybody(
    admin: AsyncClient, signed_in_client: SignedInClient
) -> None:
    bob = await signed_in_client()
    assert (await admin.post(f"{ACCOUNTS}/{await my_id(bob)}/end-sessions")).status_code == 204
    assert (await bob.get("/api/users/me")).status_code == 401


async def test_changed_roles_count_from_the_next_request(admin: AsyncClient, signed_in_client: SignedInClient) -> None:
    await admin.put("/api/users/roles/clerk", json={"label": "Clerk", "permissions": ["users.view"]})
    bob = await signed_in_client()
    path = f"{ACCOUNTS}/{await my_id(bob)}"
    assert (await bob.get(ACCOUNTS)).status_code == 403
    assert (await admin.patch(path, json={"roles": ["clerk"]})).json()["roles"] == ["clerk"]
    assert (await bob.get(ACCOUNTS)).status_code == 200
    assert (await admin.patch(path, json={"roles": []})).json()["roles"] == []
    assert (await bob.get(ACCOUNTS)).status_code == 403


async def test_a_change_made_on_old_knowledge_is_refused(admin: AsyncClient) -> None:
    account = await create(admin)
    path = f"{ACCOUNTS}/{account['id']}"
    changed = (await admin.patch(path, json={"name": "Robert", "version": account["version"]})).json()
    assert changed["version"] > account["version"]
    answer = await admin.patch(path, json={"name": "Rob", "version": account["version"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "users.stale")


async def test_an_account_that_is_not_there_is_404(admin: AsyncClient) -> None:
    path = f"{ACCOUNTS}/{uuid4()}"
    answers = [
        await admin.get(path),
        await admin.patch(path, json={"name": "x"}),
        await admin.delete(path),
        await admin.post(f"{path}/end-sessions"),
    ]
    assert [answer.json()["code"] for answer in answers] == ["users.account_not_found"] * 4


@pytest.mark.parametrize("change", [{"active": False}, {"roles": []}, None], ids=["deactivate", "demote", "delete"])
async def test_the_last_administrator_stays(admin: AsyncClient, client: AsyncClient, change: Any) -> None:
    inactive = await create(admin, roles=["administrator"])
    await admin.patch(f"{ACCOUNTS}/{inactive['id']}", json={"active": False})
    path = f"{ACCOUNTS}/{await my_id(admin)}"
    answer = await (admin.delete(path) if change is None else admin.patch(path, json=change))
    assert (answer.status_code, answer.json()["code"]) == (409, "users.last_administrator")
    assert (await admin.get(path)).json()["roles"] == ["administrator"]


async def test_two_administrators_cannot_demote_each_other_at_once(
    admin: AsyncClient, signed_in_client: SignedInClient
) -> None:
    other = await signed_in_client(administrator=True)
    ids = [await my_id(admin), await my_id(other)]
    for _ in range(5):
        answers = await asyncio.gather(
            admin.patch(f"{ACCOUNTS}/{ids[1]}", json={"roles": []}),
            other.patch(f"{ACCOUNTS}/{ids[0]}", json={"roles": []}),
        )
        assert min(answer.status_code for answer in answers) == 200
        assert max(answer.status_code for answer in answers) in (403, 409)
        left = admin if answers[0].status_code == 200 else other
        demoted = ids[1] if left is admin else ids[0]
        assert (await left.patch(f"{ACCOUNTS}/{demoted}", json={"roles": ["administrator"]})).status_code == 200


async def test_a_manager_gives_only_what_they_hold(admin: AsyncClient, manager: AsyncClient) -> None:
    await admin.put("/api/users/roles/deputy", json={"label": "Deputy", "permissions": ["users.manage"]})
    await admin.put("/api/users/roles/viewer", json={"label": "Viewer", "permissions": ["users.view"]})
    assert (await create(manager, roles=["deputy"]))["roles"] == ["deputy"]
    mine = f"{ACCOUNTS}/{await my_id(manager)}"
    refused = [
        await manager.post(ACCOUNTS, json=BOB | {"email": "eve@example.com", "roles": ["administrator"]}),
        await manager.post(ACCOUNTS, json=BOB | {"email": "eve@example.com", "roles": ["viewer"]}),
        await manager.patch(mine, json={"roles": ["administrator"]}),
        await manager.patch(mine, json={"roles": ["viewer"]}),
        await manager.put("/api/users/roles/deputy", json={"label": "Deputy", "permissions": ["users.view"]}),
        await manager.put("/api/users/roles/new", json={"label": "New", "permissions": ["users.view"]}),
        await manager.delete("/api/users/roles/viewer"),
    ]
    assert [answer.json()["code"] for answer in refused] == ["users.beyond_own_permissions"] * 7
    assert (await manager.get("/api/users/me")).json()["permissions"] == ["users.manage"]


@pytest.mark.parametrize(
    "act",
    [
        lambda client, path: client.patch(path, json={"name": "x"}),
        lambda client, path: client.patch(path, json={"active": False}),
        lambda client, path: client.patch(path, json={"roles": []}),
        lambda client, path: client.delete(path),
        lambda client, path: client.post(f"{path}/end-sessions"),
    ],
)
async def test_only_administrators_touch_administrators(
    admin: AsyncClient, manager: AsyncClient, act: Callable[..., Any]
) -> None:
    answer = await act(manager, f"{ACCOUNTS}/{await my_id(admin)}")
    assert (answer.status_code, answer.json()["code"]) == (403, "users.beyond_own_permissions")
    assert (await admin.get("/api/users/me")).status_code == 200


async def test_a_deleted_account_is_gone_and_others_hear_of_it(
    admin: AsyncClient,
    application: Application,
    signed_in_client: SignedInClient,
    run_tasks: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[UUID] = []

    async def forget(run: TaskRun, event: AccountDeleted) -> None:
        heard.append(event.account_id)

    listener = Module(name="listener", label="Listener", subscriptions=(Subscription(AccountDeleted, forget),))
    bob = await signed_in_client()
    account = UUID(await my_id(bob))
    monkeypatch.setattr(application, "modules", (*application.modules, listener))
    async with application.database.driver_connection() as connection:
        await write_subscriptions(connection, application.modules)
    assert (await admin.delete(f"{ACCOUNTS}/{account}")).status_code == 204
    await run_tasks()
    assert heard == [account]
    assert (await bob.get("/api/users/me")).status_code == 401
    async with application.database.unit_of_work(read_only=True) as session:
        assert await account_names(session, [account]) == {}


async def test_other_modules_learn_names_and_nothing_else(admin: AsyncClient, application: Application) -> None:
    account = UUID(await my_id(admin))
    async with application.database.unit_of_work(read_only=True) as session:
        names = await account_names(session, [account, uuid4()])
    assert {key: value.model_dump() for key, value in names.items()} == {
        account: {"id": account, "name": "Ada Lovelace"}
    }


async def test_the_password_of_the_tests_would_be_refused_of_a_person(admin: AsyncClient) -> None:
    assert (await admin.post(ACCOUNTS, json=BOB | {"password": PASSWORD})).status_code == 422
