"""docker-compose.yml, started as it is and used as people do."""

import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from framework.embedded.ports import free_port
from redis.asyncio import Redis

from tests.deployment.containers.conftest import Build
from tests.deployment.containers.engine import Engine
from tests.deployment.containers.installation import OWN, Installation, wait_until
from tests.faults.conftest import Report

ROWS = 2000
SERVICES = (*OWN, "postgres", "redis", "nginx", "mail")
KILLED = 137


@pytest.fixture(scope="module")
def installation(docker: Engine, image: Build) -> Iterator[Installation]:
    found = Installation(docker, image.context, image.name)
    try:
        found.up()
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def person(installation: Installation) -> Iterator[httpx.Client]:
    """Signed in as the first administrator."""
    with installation.client() as client:
        answer = client.post("/api/users/sign-in", json=installation.administrator())
        assert answer.is_success, answer.text
        yield client


def imported(person: httpx.Client, name: str, rows: int) -> str:
    """The state in which an import of so many contacts ends."""
    lines = "".join(f"{name} {number},{name}.{number}@example.com\n" for number in range(rows))
    file = ("contacts.csv", f"name,email\n{lines}".encode(), "text/csv")
    started = person.post("/api/contacts/imports", files={"file": file})
    assert started.status_code == 202, started.text
    address = f"/api/contacts/imports/{started.json()['id']}"
    wait_until(lambda: person.get(address).json()["finished_at"] is not None, "the import does not end")
    found: str = person.get(address).json()["status"]
    return found


def contacts(person: httpx.Client) -> int:
    answer = person.get("/api/contacts/export.csv")
    assert answer.status_code == 200, answer.text
    return len(answer.text.splitlines()) - 1


def test_each_waits_for_what_it_needs(installation: Installation) -> None:
    states = {name: installation.container(name)["State"] for name in SERVICES}
    for once in ("first-start", "migrate", "assets"):
        assert (states[once]["Status"], states[once]["ExitCode"]) == ("exited", 0)
    for lasting in ("postgres", "redis", "web", "worker", "beat", "nginx"):
        assert states[lasting]["Health"]["Status"] == "healthy"
    assert states["first-start"]["FinishedAt"] <= states["postgres"]["StartedAt"]
    assert states["postgres"]["StartedAt"] < states["migrate"]["StartedAt"]
    for service in ("web", "worker", "beat"):
        assert states["migrate"]["FinishedAt"] <= states[service]["StartedAt"]
    assert states["assets"]["FinishedAt"] <= states["web"]["StartedAt"] < states["nginx"]["StartedAt"]


def test_nothing_but_nginx_is_published(installation: Installation) -> None:
    published = {name for name in SERVICES if any(installation.container(name)["NetworkSettings"]["Ports"].values())}
    assert published == {"nginx"}
    assert not set(installation.container("nginx")["NetworkSettings"]["Networks"]) & set(
        installation.container("postgres")["NetworkSettings"]["Networks"]
    )


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_may_do_more_than_it_needs(installation: Installation, service: str) -> None:
    container = installation.container(service)
    host = container["HostConfig"]
    assert container["Config"]["User"].partition(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0


def test_people_come_by_tls_and_their_cookie_is_bound_to_it(installation: Installation, person: httpx.Client) -> None:
    assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in person.cookies.jar)
    assert any(cookie.name.startswith("__Host-") for cookie in person.cookies.jar)
    assert person.get("/health/ready").json() == {"status": "ok"}
    plain = httpx.get(f"http://localhost:{installation.plain_port}/contacts?page=2")
    assert (plain.status_code, plain.headers["location"]) == (308, f"{installation.url}/contacts?page=2")
    assert httpx.post(f"http://localhost:{installation.plain_port}/api/users/sign-in").status_code == 403


def test_an_import_goes_through_nginx_and_a_worker(person: httpx.Client, report: Report) -> None:
    before = contacts(person)
    assert imported(person, "Ada", ROWS) == "succeeded"
    assert contacts(person) == before + ROWS
    report(f"compose: {ROWS} rows imported through nginx, {ROWS} contacts there")


def test_files_come_from_nginx_while_web_is_away_and_nothing_is_lost(
    installation: Installation, person: httpx.Client
) -> None:
    before = contacts(person)
    page = person.get("/")
    script = page.text.split('src="', 1)[1].split('"')[0]
    installation.compose("stop", "web")
    assert installation.container("web")["State"]["ExitCode"] != KILLED
    answer = person.get(script)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    refused = person.get("/api/contacts")
    assert refused.status_code in (502, 504)
    assert refused.headers["content-type"] == "application/problem+json"
    installation.up()
    assert contacts(person) == before


def test_backups_are_taken_and_read_back(installation: Installation, report: Report) -> None:
    backup = ("--profile", "backup")
    try:
        installation.compose(*backup, "up", "--detach", "--no-build", "backup-wal")
        once = ("run", "--rm", "--no-deps", "-T", "backup")
        installation.compose(*once)
        wait_until(lambda: "WAL is received" in installation.compose(*once, "sm", "backup", "list"), "no WAL comes")
        installation.compose(*once, "sm", "backup", "status", "--max-wal-age", "5m")
        installation.compose(*once, "sm", "backup", "verify")
        (taken,) = installation.compose(*once, "ls", "/srv/seamark/backups/bases").split()
        installation.compose("stop", "backup-wal")
        assert installation.container("backup-wal")["State"]["ExitCode"] == 0
    finally:
        installation.compose(*backup, "rm", "--stop", "--force", "backup-wal", "postgres-programs")
        installation.compose("exec", "-T", "postgres", "psql", "--host=/var/run/postgresql", "--username=seamark",
            "--command=SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")  # fmt: skip
    report(f"compose: base backup {taken} and its WAL received without a shell, and verified")


def test_everything_is_there_again_after_down_and_up(
    installation: Installation, person: httpx.Client, report: Report
) -> None:
    assert imported(person, "Grace", 10) == "succeeded"
    before = contacts(person)
    installation.compose("stop")
    codes = {name: installation.container(name)["State"]["ExitCode"] for name in SERVICES}
    assert KILLED not in codes.values(), codes
    installation.down()
    installation.up()
    # The same cookie: the key is that of the first start.
    assert contacts(person) == before
    assert imported(person, "Edsger", 10) == "succeeded"
    report(f"compose: down and up, {before} contacts and 1 session there")


async def test_a_laptop_has_the_two_servers_without_the_rest(docker: Engine, context: Path) -> None:
    postgres, redis = free_port(), free_port()
    told = {
        "COMPOSE_PROJECT_NAME": f"seamark-dev-of-tests-{postgres}",
        "SEAMARK_POSTGRES_PORT": str(postgres),
        "SEAMARK_REDIS_PORT": str(redis),
    }
    files = ("compose", "--file", "docker-compose.yml", "--file", "compose.dev.yml")
    config = json.loads(docker.docker(*files, "config", "--format", "json", folder=context, environment=told))
    # All of it waits for the key, which the two servers do without.
    assert config["services"]["migrate"]["depends_on"].keys() == {"first-start", "postgres"}
    try:
        docker.docker(*files, "up", "--detach", "--wait", "postgres", "redis", folder=context, environment=told)
        running = docker.docker(*files, "ps", "--all", "--services", folder=context, environment=told)
        assert set(running.split()) == {"postgres", "redis"}
        connection = await asyncpg.connect(f"postgresql://seamark:seamark@127.0.0.1:{postgres}/seamark")
        assert await connection.fetchval("SELECT current_database()") == "seamark"
        await connection.close()
        async with Redis.from_url(f"redis://127.0.0.1:{redis}/0") as client:
            assert await client.ping()
    finally:
        docker.docker(*files, "down", "--volumes", "--timeout", "5", folder=context, environment=told)
