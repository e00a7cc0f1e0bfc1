"""Postgres restarts under load, and nobody notices: a request whose connection was lost runs again (ADR 0006)."""

import asyncio
import os
import signal
from time import monotonic

import pytest
from framework.middleware.retry import OUTAGE, QUIET
from host.trial import Trial

from tests.deployment.clients import ENVIRONMENT, failed, tally
from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.traffic import Kind, Traffic, sign_in
from tests.faults.web import Replicas

RESTARTS = 3
TRIES = 10
IN_DOUBT = "request.outcome_unknown"
CALM = QUIET + 1
"""Seconds without a loss, so that each restart is an outage of its own."""
PATIENT = ENVIRONMENT | {"SM_MAX_CONCURRENCY": "1000"}
"""On a busy machine a restart takes seconds, in which more wait than a process would let in."""


def contact(label: str) -> dict[str, str]:
    return {"name": label, "email": f"{label}@example.test"}


RETRY_SAFE = (
    Kind("list", "GET", "/api/contacts"),
    Kind("keyed write", "POST", "/api/contacts", contact, keyed=True),
    Kind("write", "POST", "/api/contacts", contact),
)


async def test_what_may_run_again_succeeds(prepared: Trial, faults: Faults, report: Report, long: bool) -> None:
    calm = 10 if long else CALM
    async with Replicas(prepared, 2, PATIENT) as replicas:
        cookie = await sign_in(replicas.clients[0])
        async with Traffic(replicas.clients, cookie, rate=40, kinds=RETRY_SAFE) as traffic:
            await traffic.during("before", calm)
            short: list[str] = []
            for number in range(TRIES):
                phase = traffic.phase = f"restart {number}"
                await traffic.settled()
                began = monotonic()
                # As ``pg_ctl restart -m fast`` does it, and every other time ``-m immediate``, after which it recovers.
                if number % 2:
                    os.kill(prepared.postgres.pid, signal.SIGQUIT)
                    await asyncio.to_thread(prepared.postgres.wait)
                else:
                    await asyncio.to_thread(prepared.postgres.stop)
                await asyncio.to_thread(prepared.postgres.start)
                if monotonic() - began < OUTAGE:
                    short.append(phase)
                traffic.phase = f"after {number}"
                back = monotonic()
                await traffic.settled()
                caught_up = monotonic() - back
                await traffic.during(f"after {number}", calm)
                if len(short) == RESTARTS:
                    break
    if not short:
        pytest.skip(f"on this machine Postgres takes longer than {OUTAGE:.2f} s to restart")
    counted = traffic.of("before", *short, *(phase.replace("restart", "after") for phase in short))
    in_doubt = [answer for answer in counted if answer.code == IN_DOUBT]
    answers = [answer for answer in counted if answer not in in_doubt]
    slowest = max(answer.seconds for answer in answers)
    report(
        f"Postgres restarted {len(short)} times, 2 processes: {tally(answers)}; {len(in_doubt)} plain POSTs in doubt; "
        f"the slowest answer after {slowest:.2f} s, all caught up {caught_up:.2f} s after the last"
    )
    assert not failed(answers)
    assert {answer.kind.name for answer in in_doubt} <= {"write"}
