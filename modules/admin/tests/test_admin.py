from importlib.metadata import version

import pytest
from framework.application import Application
from framework.checks import Check
from framework.findings import Level
from framework.loader import installed
from host.testing.people import SignedInClient
from httpx import AsyncClient


@pytest.fixture
async def operator(signed_in_client: SignedInClient) -> AsyncClient:
    return await signed_in_client({"admin.view"})


@pytest.mark.parametrize("path", ["/api/admin/modules", "/api/admin/findings"])
async def test_only_those_who_may_see_it(client: AsyncClient, signed_in_client: SignedInClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401
    assert (await (await signed_in_client({"admin.health.view"})).get(path)).status_code == 403
    assert (await (await signed_in_client({"admin.view"})).get(path)).status_code == 200


async def test_modules_say_what_they_contribute(operator: AsyncClient, application: Application) -> None:
    found = {item["name"]: item for item in (await operator.get("/api/admin/modules")).json()["items"]}
    assert found.keys() == installed().keys()
    admin = found["admin"]
    assert admin["version"] == version("seamark-admin")
    assert admin["enabled"] is True
    assert admin["requires"] == ["users"]
    assert admin["permissions"] == ["admin.view", "admin.health.view", "admin.profile"]
    assert "/admin/modules" in admin["pages"]
    assert admin["routes"] == 4
    assert found["users"]["commands"] == ["create-admin"]
    assert found["users"]["tasks"] == found["users"]["schedules"] == ["users.purge_sessions"]


async def test_a_module_that_is_not_enabled_is_listed_by_name(operator: AsyncClient, application: Application) -> None:
    modules = application.modules
    application.modules = tuple(module for module in modules if module.name != "background_tasks")
    try:
        found = (await operator.get("/api/admin/modules")).json()["items"]
    finally:
        application.modules = modules
    [item] = [item for item in found if not item["enabled"]]
    assert (item["name"], item["routes"], item["tasks"]) == ("background_tasks", 0, [])
    assert item["version"] == version("seamark-background-tasks")


async def test_findings_are_those_of_the_doctor(operator: AsyncClient, application: Application) -> None:
    items = (await operator.get("/api/admin/findings")).json()["items"]
    [finding] = [item for item in items if item["code"] == "SM015"]
    assert finding["level"] == Level.WARNING.name.lower()
    assert finding["title"] == "Nobody can administer this installation"
    assert finding["owner"] == "users"
    assert finding["hint"] == "sm create-admin"
    assert finding["silenced"] is None


async def test_a_silenced_finding_shows_its_reason(operator: AsyncClient, application: Application) -> None:
    settings = application.settings
    application.settings = settings.model_copy(update={"silenced_checks": "SM015=tests need none"})
    try:
        items = (await operator.get("/api/admin/findings")).json()["items"]
    finally:
        application.settings = settings
    assert [item["silenced"] for item in items if item["code"] == "SM015"] == ["tests need none"]


async def test_a_check_that_raises_is_a_finding_without_its_text(
    operator: AsyncClient, application: Application
) -> None:
    def broken(_: Application) -> list[object]:
        raise RuntimeError("postgresql://root:secret@db")

    checks = application.checks
    application.checks = (*checks, Check("broken", broken))  # type: ignore[arg-type] # it never returns
    try:
        answer = await operator.get("/api/admin/findings")
    finally:
        application.checks = checks
    assert "SM019" in [item["code"] for item in answer.json()["items"]]
    assert "secret" not in answer.text
