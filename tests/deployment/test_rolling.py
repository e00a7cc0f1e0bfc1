"""Replicas that are replaced one after the other fail nobody, though the proxy learns late that one is about to end."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterable

import pytest
from host.trial import Trial

from tests.deployment.clients import ENVIRONMENT, at_work, failed, tally
from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import Nginx, to_tcp
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.web import SM_WEB, Replicas

LATE = (1.0, 3.0)
"""Seconds after SIGTERM at which the proxy stops sending requests to it."""
DELAY = 5
NO_REPEATS = {
    "proxy.conf": ("proxy_next_upstream error timeout invalid_header;", "proxy_next_upstream off;"),
    "keyed.conf": ("proxy_next_upstream error timeout invalid_header non_idempotent;", "proxy_next_upstream off;"),
}
"""What fails is seen to fail."""


def at_any_price(ports: Iterable[int]) -> str:
    """replicas.conf without what nginx learns of a process by itself."""
    return to_tcp(list(ports)).replace("max_fails=3", "max_fails=0")


class Rollout:
    def __init__(self, replicas: Replicas, nginx: Nginx) -> None:
        self.replicas = replicas
        self.nginx = nginx

    async def replace(self, number: int) -> None:
        process = self.replicas.trial.processes[self.replicas.names[number]]
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(random.uniform(*LATE))
        self.send_to(port for port in self.replicas.ports if port != self.replicas.ports[number])
        await asyncio.to_thread(process.wait, 60)
        await self.replicas.restart(number)
        self.send_to(self.replicas.ports)

    def send_to(self, ports: Iterable[int]) -> None:
        (self.nginx.files / "replicas.conf").write_text(at_any_price(ports))
        self.nginx.reload()


@pytest.fixture
async def replicas(prepared: Trial, faults: Faults, request: pytest.FixtureRequest) -> AsyncIterator[Replicas]:
    environment = ENVIRONMENT | {"SM_DRAIN_DELAY": str(request.param)}
    async with Replicas(prepared, 2, environment, command=SM_WEB) as replicas:
        yield replicas
        replicas.kill()


@pytest.mark.parametrize("replicas", [DELAY], indirect=True)
async def test_replacing_them_in_turn_fails_no_request(
    replicas: Replicas, start_nginx: StartNginx, report: Report, long: bool
) -> None:
    replaced, rate, enough = (20, 60, 20_000) if long else (3, 40, 500)
    nginx = start_nginx(replicas=at_any_price(replicas.ports), changes=NO_REPEATS)
    rollout = Rollout(replicas, nginx)
    async with at_work(nginx.url, rate=rate) as traffic:
        for number in range(replaced):
            await rollout.replace(number % 2)
        while len(traffic.answers) < enough:
            await rollout.replace(replaced % 2)
            replaced += 1
    report(f"2 processes behind nginx, 16 clients, no repeats, {replaced} times one replaced: {tally(traffic.answers)}")
    assert not failed(traffic.answers)


@pytest.mark.parametrize("replicas", [0], indirect=True)
async def test_without_the_delay_requests_fail(
    replicas: Replicas, start_nginx: StartNginx, report: Report, long: bool
) -> None:
    replaced, rate = (4, 60) if long else (1, 40)
    nginx = start_nginx(replicas=at_any_price(replicas.ports), changes=NO_REPEATS)
    rollout = Rollout(replicas, nginx)
    async with at_work(nginx.url, rate=rate) as traffic:
        for number in range(replaced):
            await rollout.replace(number % 2)
    report(f"The same with SM_DRAIN_DELAY=0, {replaced} times one replaced: {tally(traffic.answers)}")
    assert failed(traffic.answers)
