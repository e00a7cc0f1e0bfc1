"""Which process gets a request, in each way that replicas.conf names; counted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import SHIPPED, Nginx, to_tcp
from tests.deployment.replica import Replica
from tests.faults.conftest import Report

ASKED = 60
NAMED = (SHIPPED / "replicas.conf").read_text()


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    """Two by TCP, and one at a Unix socket."""
    async with AsyncExitStack() as stack:
        made = [Replica(), Replica(), Replica(socket=tmp_path / "web.sock")]
        yield [await stack.enter_async_context(replica) for replica in made]


def servers(replicas: list[Replica], tmp_path: Path, *options: str) -> str:
    """replicas.conf for these; the first of ``options`` is for the first of them, and so on."""
    addresses = [f"127.0.0.1:{replica.port}" if replica.port else f"unix:{tmp_path}/web.sock" for replica in replicas]
    said = [*options, *[""] * len(replicas)]
    return "".join(
        f"server {address} max_fails=3 fail_timeout=2s {option};\n"
        for address, option in zip(addresses, said, strict=False)
    )


def counts(replicas: list[Replica]) -> list[int]:
    return [len(replica.requests) for replica in replicas]


async def ask(nginx: Nginx, number: int, address: str = "127.0.0.1") -> None:
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False)
    async with httpx.AsyncClient(base_url=nginx.url, transport=transport, timeout=60) as client:
        for _ in range(number):
            assert (await client.get("/")).status_code == 200


def directive(name: str) -> str:
    """As replicas.conf has it, in a comment."""
    (line,) = [line for line in NAMED.splitlines() if line.startswith(f"# {name}")]
    return line.removeprefix("# ").partition("#")[0].strip()


async def test_by_turns(replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path, report: Report) -> None:
    nginx = start_nginx(replicas=servers(replicas, tmp_path))
    await ask(nginx, ASKED)
    report(f"round robin: {ASKED} requests, {counts(replicas)} by process")
    assert counts(replicas) == [20, 20, 20]


async def test_by_weight(replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path, report: Report) -> None:
    assert "weight=2" in NAMED
    nginx = start_nginx(replicas=servers(replicas, tmp_path, "weight=2"))
    await ask(nginx, ASKED)
    report(f"weight=2 for the first: {ASKED} requests, {counts(replicas)} by process")
    assert counts(replicas) == [30, 15, 15]


async def test_to_the_one_with_the_fewest_under_way(
    replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path, report: Report
) -> None:
    nginx = start_nginx(replicas=directive("least_conn") + servers(replicas, tmp_path))
    slow, *_ = replicas
    slow.held.clear()
    async with asyncio.TaskGroup() as group:
        # Of three at once it gets one, which keeps it busy.
        for _ in range(3):
            group.create_task(ask(nginx, 1))
        async with asyncio.timeout(60):
            while not slow.requests:  # noqa: ASYNC110 - another process sends it
                await asyncio.sleep(0.01)
        await ask(nginx, ASKED)
        slow.held.set()
    report(f"least_conn, the first of three slow: {ASKED} requests, {counts(replicas)} by process")
    assert len(slow.requests) == 1
    assert sum(counts(replicas)) == ASKED + 3


async def test_a_client_stays_with_one_until_it_fails(
    replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path, report: Report
) -> None:
    nginx = start_nginx(replicas=directive("hash") + servers(replicas, tmp_path))
    clients = [f"127.0.4.{number}" for number in range(1, 31)]
    for address in clients:
        await ask(nginx, 2, address)
    homes = [of_client(replicas, address) for address in clients]
    report(f"hash by client: {len(clients)} clients, {[len(replica.requests) // 2 for replica in replicas]} by process")
    assert all(len(home) == 1 for home in homes)
    assert all(counts(replicas))
    await replicas[0].__aexit__()
    for address in clients:
        await ask(nginx, 1, address)
    moved = sum(of_client(replicas, address) != home for address, home in zip(clients, homes, strict=True))
    # Nobody else than those whose process is gone.
    assert moved == Counter(map(tuple, homes))[(0,)]


def of_client(replicas: list[Replica], address: str) -> list[int]:
    """Which processes have heard of it."""
    return [
        number
        for number, replica in enumerate(replicas)
        if address in {head["x-forwarded-for"] for head in replica.heads}
    ]


async def test_one_in_reserve_is_asked_when_all_others_fail(
    replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path
) -> None:
    assert "backup" in NAMED
    nginx = start_nginx(replicas=servers(replicas, tmp_path, "", "", "backup"))
    await ask(nginx, 6)
    assert counts(replicas) == [3, 3, 0]
    for replica in replicas[:2]:
        await replica.__aexit__()
    await ask(nginx, 6)
    assert counts(replicas) == [3, 3, 6]


async def test_one_that_fails_is_left_out_for_a_while(
    replicas: list[Replica], start_nginx: StartNginx, tmp_path: Path
) -> None:
    """As shipped: three failures, then two seconds."""
    gone, left = replicas[:2]
    nginx = start_nginx(replicas=to_tcp([gone.port, left.port]))
    await gone.__aexit__()
    await ask(nginx, ASKED)
    tried = sum(f"127.0.0.1:{gone.port}, " in line for line in nginx.access.read_text().splitlines())
    assert len(left.requests) == ASKED
    assert 3 <= tried < ASKED // 2
