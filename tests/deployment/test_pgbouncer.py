"""The application behind the shipped PgBouncer in transaction mode: web processes, a worker, and what goes past it."""

import asyncio
import csv
import io
import json
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle

import asyncpg
import httpx
import pytest
from framework.embedded.postgres import client_program
from host.testing.pgbouncer import MissingPgBouncerError, PgBouncer, limit_role, program
from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.traffic import KINDS, MODULES, UNHURRIED, sign_in
from tests.faults.web import Replicas

POOL = 6
"""Connections to Postgres, fewer than the application has to PgBouncer."""
SETTINGS = {"default_pool_size": str(POOL), "reserve_pool_size": "0", "stats_users": "seamark"}
FORGOTTEN = ("prepared statement", "InvalidSQLStatementName", "DuplicatePreparedStatement")
CLIENTS = 16

type Environment = dict[str, str]


@pytest.fixture
def bouncer(prepared: Trial, faults: Faults) -> Iterator[PgBouncer]:
    try:
        program()
    except MissingPgBouncerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    folder = prepared.folder / f"pgbouncer-{os.urandom(4).hex()}"
    roles = {"seamark": prepared.postgres.identity.password}
    with PgBouncer(folder, prepared.postgres.port, roles, SETTINGS) as bouncer:
        yield bouncer


@pytest.fixture
def environment(prepared: Trial, bouncer: PgBouncer) -> Environment:
    direct = prepared.environment["SM_DATABASE_URL"]
    return {
        "SM_DATABASE_URL": direct.replace(f":{prepared.postgres.port}/", f":{bouncer.port}/"),
        "SM_DATABASE_DIRECT_URL": direct,
        "SM_DATABASE_PGBOUNCER": "true",
        "SM_MODULES_ENABLED": MODULES,
        "SM_RATE_LIMITS": UNHURRIED,
    }


@pytest.fixture
async def limits(prepared: Trial) -> AsyncIterator[Callable[[], object]]:
    """``await limits()``: gives the role its time limits."""
    superuser = prepared.postgres.url(user="postgres").replace("+asyncpg", "")
    yield lambda: limit_role(superuser, "seamark")
    connection = await asyncpg.connect(superuser)
    await connection.execute("ALTER ROLE seamark IN DATABASE seamark RESET ALL")
    await connection.close()


def console(prepared: Trial, bouncer: PgBouncer, command: str) -> list[dict[str, str]]:
    """Of PgBouncer's own; it does not speak the extended protocol, so psql asks."""
    asking = [client_program("psql"), "--csv", "-h", "127.0.0.1", "-p", str(bouncer.port), "-U", "seamark", "pgbouncer"]
    environment = os.environ | {"PGPASSWORD": prepared.postgres.identity.password}
    done = subprocess.run([*asking, "-c", command], env=environment, capture_output=True, text=True, check=True)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def queries(prepared: Trial, bouncer: PgBouncer) -> int:
    return sum(int(row["total_query_count"]) for row in console(prepared, bouncer, "SHOW STATS"))


async def test_ten_thousand_queries_and_no_statement_that_postgres_does_not_know(
    prepared: Trial, faults: Faults, bouncer: PgBouncer, environment: Environment, limits: Callable[[], object],
    report: Report, long: bool,
) -> None:  # fmt: skip
    await limits()  # type: ignore[misc]
    wanted = 10_000 if long else 1_000
    await faults.worker("pooled", environment | {"SM_MODULES_ENABLED": "background_tasks,probe"})
    async with Replicas(prepared, 2, environment) as replicas:
        cookie = await sign_in(replicas.clients[0])
        statuses: Counter[int] = Counter()
        began = queries(prepared, bouncer)
        numbers = iter(range(10**9))
        notes: set[str] = set()

        async def ask(client: httpx.AsyncClient) -> None:
            for kind in cycle(KINDS):
                label = f"pooled-{next(numbers)}"
                headers = {"cookie": cookie} | ({"idempotency-key": label} if kind.keyed else {})
                body = kind.body(label) if kind.body else None
                answer = await client.request(kind.method, kind.path, headers=headers, json=body)
                statuses[answer.status_code] += 1
                if kind.name == "enqueue":
                    notes.add(label)
                if kind is KINDS[-1] and await asyncio.to_thread(queries, prepared, bouncer) - began >= wanted:
                    return

        await asyncio.gather(*(ask(next(replicas.in_turn)) for _ in range(CLIENTS)))
        asked = queries(prepared, bouncer) - began
        await faults.until(faults.drained)
        logs = [replicas.log(0), replicas.log(1), prepared.log("pooled").read_text()]
        forgotten = sum(log.count(words) for log in logs for words in FORGOTTEN)
        servers = sum(row["database"] == "seamark" for row in console(prepared, bouncer, "SHOW SERVERS"))
        # Past it, with a name of its own, to be told of new tasks.
        await faults.until(lambda: one_listens(faults))
    failed = sum(count for status, count in statuses.items() if not 200 <= status < 400)
    report(
        f"pgbouncer: {asked} queries of {sum(statuses.values())} requests and {len(notes)} tasks by {servers} connections: "
        f"{failed} requests failed, {forgotten} prepared statements unknown"
    )
    assert asked >= wanted
    assert (failed, forgotten) == (0, 0)
    assert Counter(await faults.effects()) == Counter(notes)
    assert servers <= POOL


async def one_listens(faults: Faults) -> bool:
    """Another one may not have noticed yet that its worker was killed."""
    listening = await faults.fetch("SELECT 1 FROM pg_stat_activity WHERE application_name = 'seamark relay'")
    return len(listening) == 1


async def test_the_doctor_asks_for_limits_of_the_role(
    prepared: Trial, bouncer: PgBouncer, environment: Environment, limits: Callable[[], object]
) -> None:
    def codes() -> set[str]:
        trial_environment = prepared.environment
        prepared.environment = trial_environment | environment
        try:
            said = prepared.run("-m", "host.cli", "doctor", "--format", "json", "--fail-level", "never")
        finally:
            prepared.environment = trial_environment
        # What is logged comes before it, a line each.
        return {finding["code"] for finding in json.loads(said[said.index("{\n") :])["findings"]}

    assert {"SM035", "SM046"} <= await asyncio.to_thread(codes)
    await limits()  # type: ignore[misc]
    # What a connection has it got when it was made.
    bouncer.stop()
    bouncer.start()
    assert not {"SM035", "SM046"} & await asyncio.to_thread(codes)


async def test_more_transactions_than_connections_are_503_and_never_a_hang(
    prepared: Trial, bouncer: PgBouncer, environment: Environment, report: Report
) -> None:
    async with Replicas(prepared, 2, environment) as replicas:
        path = "/api/probe/hang/in-a-statement?seconds=12"
        asked = [replicas.clients[number % 2].get(path) for number in range(2 * POOL)]
        answers = await asyncio.gather(*asked)
        statuses = Counter(answer.status_code for answer in answers)
        refused = [answer for answer in answers if answer.status_code == 503]
        report(f"pgbouncer exhausted: of {len(answers)} transactions {dict(statuses)}, its pool has {POOL}")
        assert statuses[200] == POOL
        assert statuses[503] == POOL
        assert all("retry-after" in answer.headers for answer in refused)
        assert (await replicas.clients[0].get("/api/probe/hang/in-a-statement?seconds=0")).status_code == 200


async def test_a_restart_of_postgres_is_over_when_postgres_is_back(
    prepared: Trial, faults: Faults, bouncer: PgBouncer, environment: Environment
) -> None:
    async with Replicas(prepared, 1, environment) as replicas:
        client = replicas.clients[0]
        assert (await client.get("/health/ready")).status_code == 200
        await faults.restart_postgres()

        async def is_ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await faults.until(is_ready)
