"""The first administrator: by settings at start-up, once, however many processes start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from framework.application import Application
from framework.checks import run_checks
from framework.database import Database
from framework.findings import BootError
from framework.settings import Settings, load, read_once, settings_of
from host.boot import create_app
from host.testing.fixtures import running
from host.testing.people import SignedInClient
from httpx import AsyncClient
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from users.bootstrap import create_first_administrator
from users.checks import checks
from users.settings import UsersSettings
from users.tables import Account

EMAIL, PASSWORD = "Root@Example.com", "tiny wheel of cheddar"
START_AND_STOP = """
import asyncio
from host.boot import create_app
from host.testing.fixtures import running

async def main():
    async with running(create_app()):
        pass

asyncio.run(main())
"""
type Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    def set_variables(email: str = EMAIL, password: str = PASSWORD) -> None:
        monkeypatch.setenv("SM_USERS_BOOTSTRAP_EMAIL", email)
        monkeypatch.setenv("SM_USERS_BOOTSTRAP_PASSWORD", password)
        read_once.cache_clear()

    yield set_variables
    read_once.cache_clear()


async def start(make_settings: Callable[..., Settings]) -> None:
    async with running(create_app(make_settings())):
        pass


async def number_of_accounts(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Account)) or 0


async def findings(application: Application) -> set[str]:
    report = await run_checks(application, checks)
    return {finding.code for finding in report.findings}


async def test_the_settings_make_an_administrator_at_start_up(
    client: AsyncClient, make_settings: Callable[..., Settings], configure: Configure
) -> None:
    configure()
    await start(make_settings)
    answer = await client.post("/api/users/sign-in", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 204
    me = (await client.get("/api/users/me")).json()
    assert (me["email"], me["roles"]) == (EMAIL.lower(), ["administrator"])


async def test_it_happens_once_and_never_where_there_is_an_account(
    session: AsyncSession,
    make_settings: Callable[..., Settings],
    configure: Configure,
    signed_in_client: SignedInClient,
) -> None:
    await signed_in_client()
    configure()
    await start(make_settings)
    assert await number_of_accounts(session) == 1


async def test_the_password_is_never_logged(application: Application, configure: Configure) -> None:
    configure()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START_AND_STOP),
        env={**os.environ, "SM_LOG_LEVEL": "debug"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    assert "first administrator created" in output
    assert PASSWORD not in output
    assert PASSWORD not in repr(settings_of(UsersSettings))


async def test_of_twenty_racing_replicas_one_makes_the_administrator(session: AsyncSession, settings: Settings) -> None:
    replicas = [Database(settings, pool_size=5) for _ in range(4)]

    async def attempt(number: int) -> bool:
        async with replicas[number % 4].unit_of_work() as own:
            return await create_first_administrator(own, f"root{number}@example.com", "Root", PASSWORD)

    made = await asyncio.gather(*(attempt(number) for number in range(20)))
    for replica in replicas:
        await replica.close()
    assert made.count(True) == 1
    assert await number_of_accounts(session) == 1


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [
        (EMAIL, "", "set both"),
        ("", PASSWORD, "set both"),
        ("nobody", PASSWORD, "not an e-mail address"),
    ],
)
def test_half_a_setting_stops_the_boot(configure: Configure, email: str, password: str, message: str) -> None:
    configure(email, password)
    with pytest.raises(BootError, match=message) as refused:
        load(UsersSettings)
    assert PASSWORD not in str(refused.value)


def test_empty_settings_are_no_settings(configure: Configure) -> None:
    configure("", "")
    assert load(UsersSettings).bootstrap_email is None


async def test_the_checks_say_what_is_wrong_with_the_first_administrator(
    application: Application, configure: Configure, signed_in_client: SignedInClient
) -> None:
    configure(password="hunter2")
    assert await findings(application) == {"SM015", "SM101"}
    configure()
    assert await findings(application) == {"SM015"}
    await signed_in_client(administrator=True)
    assert await findings(application) == {"SM102"}


async def test_an_inactive_administrator_does_not_count(
    application: Application, session: AsyncSession, signed_in_client: SignedInClient
) -> None:
    await signed_in_client(administrator=True)
    assert await findings(application) == set()
    await session.execute(update(Account).values(active=False))
    await session.commit()
    assert await findings(application) == {"SM015"}
