"""What it costs to replace processes after a number of requests: nothing where they drain, some requests everywhere else."""

import asyncio
from itertools import count
from pathlib import Path
from secrets import token_hex
from time import monotonic

import pytest
from framework.embedded.ports import free_port
from host.dev.environment import CLONE
from host.trial import Trial

from tests.deployment.managed import Managed
from tests.faults.conftest import Report
from tests.faults.traffic import KINDS, Answer, Traffic, sign_in

CONFIGURATION = CLONE / "deploy" / "gunicorn" / "gunicorn.conf.py"
CLIENTS = 8
PATIENCE = 60.0
SHARE = [kind for kind in KINDS if kind.name in ("list", "write", "page", "enqueue")]
LOSING = {
    "gunicorn, uvicorn's worker": "gunicorn -c {configuration} -k uvicorn_worker.UvicornWorker --max-requests {limit} -b 127.0.0.1:{port} host.main:app",
    "gunicorn, its own worker": "gunicorn -c {configuration} -k asgi --max-requests {limit} -b 127.0.0.1:{port} host.main:app",
    "uvicorn": "uvicorn host.main:app --workers 2 --limit-max-requests {limit} --port {port} --no-access-log",
}
OWN = "gunicorn -c {configuration} -b 127.0.0.1:{port} host.main:app"


async def ask(managed: Managed, number: int) -> list[Answer]:
    """``number`` requests by clients that keep their connections, each asking again when it has been answered."""
    clients = [managed.client() for _ in range(CLIENTS)]
    cookie = await sign_in(clients[0])
    traffic = Traffic(clients, cookie, rate=1)
    run, numbers = token_hex(4), count()
    answers: list[Answer] = []

    async def one(at: int) -> None:
        while (asked := next(numbers)) < number:
            kind = SHARE[asked % len(SHARE)]
            answers.append(await traffic.ask(clients[at], kind, f"recycling-{run}-{asked}"))

    await asyncio.gather(*(one(at) for at in range(CLIENTS)))
    for client in clients:
        await client.aclose()
    return answers


async def counted(prepared: Trial, command: str, number: int) -> tuple[int, int, int, int]:
    """Requests, those that failed, those of them that may not be repeated, and processes that were begun beyond the first.

    ``number`` requests, and as many again until one was replaced: a drain takes longer than they do on a fast machine.
    """
    port = int(
        command.partition("127.0.0.1:")[2].partition(" ")[0] or command.partition("--port ")[2].partition(" ")[0]
    )
    async with Managed(prepared, command.split(), port) as managed:
        answers = await ask(managed, number)
        ends_at = monotonic() + PATIENCE
        while (begun := managed.ready() - 2) < 1 and monotonic() < ends_at:
            answers += await ask(managed, number)
    failed = [answer for answer in answers if not 200 <= answer.status < 400]
    return len(answers), len(failed), sum(answer.kind.method == "POST" for answer in failed), begun


async def test_processes_that_drain_are_replaced_without_a_loss(
    prepared: Trial, tmp_path: Path, report: Report, long: bool
) -> None:
    number, limit = (2000, 200) if long else (400, 60)
    configuration = tmp_path / "gunicorn.conf.py"
    configuration.write_text(CONFIGURATION.read_text().replace("RECYCLE_AFTER = 0\n", f"RECYCLE_AFTER = {limit}\n"))
    command = OWN.format(configuration=configuration, port=free_port())
    asked, failed, changes, begun = await counted(prepared, command, number)
    report(
        f"replaced by a drain every {limit} to {2 * limit}: {failed} of {asked} failed, {changes} POSTs, {begun} replaced"
    )
    assert begun
    assert failed == 0


@pytest.mark.parametrize("name", LOSING)
async def test_what_a_limit_of_requests_costs(prepared: Trial, report: Report, long: bool, name: str) -> None:
    if not long:
        pytest.skip("a measurement, for the README of gunicorn: --long")
    command = LOSING[name].format(configuration=CONFIGURATION, port=free_port(), limit=200)
    asked, failed, changes, begun = await counted(prepared, command, 2000)
    report(f"{name}, a limit of 200 requests: {failed} of {asked} failed, {changes} POSTs, {begun} replaced")
    assert begun
