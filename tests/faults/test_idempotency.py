"""A request that is sent until it is answered takes effect once: over several processes, and whatever is lost on the way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from random import Random
from uuid import uuid4

import httpx
import pytest
from host.trial import ADMINISTRATOR, Trial
from sqlalchemy import make_url

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.proxy import LOOPBACK, Connection, FaultProxy, Towards
from tests.faults.web import Replicas

ENVIRONMENT = {
    "SM_MODULES_ENABLED": "background_tasks,probe,users",
    "SM_RATE_LIMITS": "seamark.principal=off; seamark.address=off; users.sign_in=off",
}
REPETITIONS = 20


async def sign_in(replicas: Replicas) -> None:
    """One person at all replicas."""
    email, password = ADMINISTRATOR
    answer = await replicas.clients[0].post("/api/users/sign-in", json={"email": email, "password": password})
    assert answer.status_code == 204, answer.text
    for client in replicas.clients:
        client.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


async def order(client: httpx.AsyncClient, key: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return await client.post(
        "/api/probe/orders", json={"key": key}, headers={"idempotency-key": f'"{key}"', **(headers or {})}
    )


async def applied(faults: Faults) -> Counter[str]:
    return Counter(await faults.effects())


@pytest.fixture
async def replicas(prepared: Trial, faults: Faults) -> AsyncIterator[Replicas]:
    async with Replicas(prepared, 4, ENVIRONMENT) as replicas:
        await sign_in(replicas)
        yield replicas


async def test_fifty_at_once_over_four_processes_take_effect_once(
    replicas: Replicas, faults: Faults, report: Report, long: bool
) -> None:
    said: Counter[str] = Counter()
    keys = [uuid4().hex for _ in range(40 if long else 4)]
    for key in keys:
        answers = await asyncio.gather(*(order(next(replicas.in_turn), key) for _ in range(50)))
        receipts = {answer.json()["receipt"] for answer in answers if answer.status_code == 200}
        assert len(receipts) == 1
        for answer in answers:
            said[answer.json().get("code", f"{answer.status_code}")] += 1
    report(f"{len(keys)} keys, 50 requests with each at once over 4 processes: {dict(said)}")
    assert set(said) <= {"200", "idempotency.in_progress"}
    assert await applied(faults) == Counter(keys)


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
async def test_a_process_that_is_killed_leaves_a_key_that_another_one_answers_for(
    replicas: Replicas, faults: Faults, report: Report, moment: str
) -> None:
    keys = []
    for victim in replicas.clients[:3]:
        key = uuid4().hex
        keys.append(key)
        with pytest.raises(httpx.TransportError):
            await order(victim, key, {"x-die": moment})
        before = (await applied(faults))[key]
        answers = [await order(replicas.clients[3], key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert before == (moment == "after commit")
        assert ("idempotency-replayed" in answers[0].headers) is (moment == "after commit")
        assert answers[0].json() == answers[1].json()
    report(f"3 processes killed -9 {moment}: each request repeated at another one, {len(keys)} effects of {len(keys)}")
    assert await applied(faults) == Counter(keys)


class Cutting:
    """Cuts half of the connections that ask for COMMIT: every other time it still arrives, and only its answer is lost."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.on = True
        self.lost = Counter[str]()

    def __call__(self, connection: Connection, towards: Towards, piece: bytes) -> None:
        if not self.on or towards is not Towards.SERVER or b"COMMIT;" not in piece or self.random.random() < 0.5:
            return
        arrives = self.random.random() < 0.5
        self.lost["answer" if arrives else "COMMIT"] += 1
        connection.cut_after(len(piece) if arrives else 0)


@pytest.fixture
async def cutting(prepared: Trial, faults: Faults) -> AsyncIterator[tuple[Cutting, Replicas]]:
    url = make_url(prepared.environment["SM_DATABASE_URL"])
    assert url.port is not None
    cutting = Cutting(seed=3)
    cutting.on = False
    async with FaultProxy(url.port) as proxy:
        proxy.watch = cutting
        through = url.set(host=LOOPBACK, port=proxy.port).render_as_string(hide_password=False)
        environment = {**ENVIRONMENT, "SM_DATABASE_URL": through}
        async with Replicas(prepared, 1, environment) as replicas:
            await sign_in(replicas)
            cutting.on = True
            yield cutting, replicas


async def test_a_commit_that_is_cut_off_is_applied_once_with_a_key(
    cutting: tuple[Cutting, Replicas], faults: Faults, report: Report, long: bool
) -> None:
    fault, replicas = cutting
    (client,) = replicas.clients
    wanted = 500 if long else 40
    keys: list[str] = []
    said: Counter[int] = Counter()

    async def until_answered(key: str) -> None:
        for _ in range(REPETITIONS):
            answer = await order(client, key)
            said[answer.status_code] += 1
            if answer.status_code == 200:
                return
        raise AssertionError(f"{key}: {answer.text}")

    while fault.lost.total() < wanted:
        keys += (round_ := [uuid4().hex for _ in range(8)])
        await asyncio.gather(*map(until_answered, round_))
    fault.on = False
    effects = await applied(faults)
    twice = [key for key in effects if effects[key] > 1]
    missing = [key for key in keys if key not in effects]
    report(
        f"{fault.lost.total()} COMMITs cut ({dict(fault.lost)}), {len(keys)} requests with keys, answers {dict(said)}: "
        f"{len(twice)} applied twice, {len(missing)} acknowledged and missing"
    )
    assert (twice, missing) == ([], [])
    assert set(said) <= {200, 503}


async def test_without_a_key_it_is_a_503_that_says_nobody_knows(
    cutting: tuple[Cutting, Replicas], faults: Faults, report: Report, long: bool
) -> None:
    fault, replicas = cutting
    (client,) = replicas.clients
    keys = [uuid4().hex for _ in range(100 if long else 20)]
    answers = {key: await client.post("/api/probe/orders", json={"key": key}) for key in keys}
    fault.on = False
    effects = await applied(faults)
    doubtful = [key for key, answer in answers.items() if answer.status_code == 503]
    done = sum(effects[key] for key in doubtful)
    report(f"{fault.lost.total()} COMMITs cut without a key: {len(doubtful)} answers 503, of which {done} took effect")
    assert {answers[key].json()["code"] for key in doubtful} == {"request.outcome_unknown"}
    assert len(doubtful) == fault.lost.total()
    assert max(effects.values()) == 1
    assert all(effects[key] == 1 for key, answer in answers.items() if answer.status_code == 200)
