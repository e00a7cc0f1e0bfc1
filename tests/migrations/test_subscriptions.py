"""``sm migrate`` writes down who is told of which event: the enabled modules, whatever is installed besides."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncpg
import pytest
from typer.testing import Result

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule

type Sm = Callable[..., Awaitable[Result]]
type Told = Callable[[], Awaitable[dict[str, set[str]]]]
type Enable = Callable[[str], None]


@pytest.fixture
def told(empty_database: str) -> Told:
    """``await told()``: the modules by the event that they are told of."""

    async def told() -> dict[str, set[str]]:
        connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
        try:
            found: dict[str, set[str]] = {}
            for event, module in await connection.fetch("SELECT event, module FROM seamark.subscription"):
                found.setdefault(event, set()).add(module)
            return found
        finally:
            await connection.close()

    return told


@pytest.fixture
def enable(monkeypatch: pytest.MonkeyPatch) -> Enable:
    return lambda names: monkeypatch.setenv("SM_MODULES_ENABLED", names)


async def test_the_enabled_modules_are_told_and_the_others_are_named(
    sm_migrate: Sm, told: Told, enable: Enable
) -> None:
    enable("notifications")
    done = await sm_migrate()

    assert done.exit_code == 0, done.output
    assert await told() == {"users.account_deleted": {"notifications"}}
    assert "contacts is disabled: nobody there is told of users.account_deleted" in done.output
    assert "users is disabled" not in done.output


async def test_a_module_is_told_from_the_next_migration_on_even_if_that_has_nothing_to_apply(
    sm_migrate: Sm, told: Told, enable: Enable
) -> None:
    enable("users")
    await sm_migrate()
    assert await told() == {}

    enable("contacts")
    done = await sm_migrate()

    assert "has every revision" in done.output
    assert "disabled" not in done.output
    assert await told() == {
        "users.account_deleted": {"contacts", "notifications"},
        "contacts.import_finished": {"contacts"},
    }

    enable("users")
    await sm_migrate()
    assert await told() == {}


async def test_a_disabled_module_that_cannot_be_imported_stops_nothing(
    sm_migrate: Sm, told: Told, enable: Enable, module: "InstalledModule"
) -> None:
    module.creates_its_table()
    enable("notifications")
    done = await sm_migrate()

    assert done.exit_code == 0, done.output
    assert f"{module.name} is disabled, and does not say what it would be told: RuntimeError" in done.output
    assert await told() == {"users.account_deleted": {"notifications"}}


async def test_enabled_modules_that_do_not_load_leave_it_as_it_was(
    sm_migrate: Sm, told: Told, enable: Enable, module: "InstalledModule"
) -> None:
    enable("notifications")
    await sm_migrate()

    module.creates_its_table()
    enable(f"users,{module.name}")
    done = await sm_migrate()

    assert done.exit_code == 0, done.output
    assert "stays as it was" in done.output
    assert f"SM002 {module.name}.module:module raised RuntimeError" in done.output
    assert await told() == {"users.account_deleted": {"notifications"}}
