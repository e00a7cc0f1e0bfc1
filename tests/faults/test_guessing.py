"""Guessing a password from a thousand addresses, over four replicas, while Redis dies: a hundred are compared, no more."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
import httpx
from host.trial import ADMINISTRATOR, Trial

from tests.faults.conftest import Report
from tests.faults.servers import LastingValkey
from tests.faults.web import Replicas

EMAIL, PASSWORD = ADMINISTRATOR
NOBODY = "nobody@example.com"
MOST = 100
ADDRESSES = [f"127.{1 + number // 200}.0.{1 + number % 200}" for number in range(1000)]
AT_ONCE = 40
REFUSED = [(email, 403, "users.known_device_required") for email in (EMAIL, NOBODY)]
ENVIRONMENT = {
    "SM_MODULES_ENABLED": "background_tasks,users",
    # A hash is slow on purpose, and what is counted here is not how long it takes.
    "SM_USERS_ARGON2_MEMORY": "8",
    "SM_USERS_ARGON2_ITERATIONS": "1",
}
# Eighty waits of five minutes would take a working day; so they are over at once, and every guess is one that may be made.
NO_WAITS = """
CREATE FUNCTION no_wait() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.retry_at = clock_timestamp() - interval '1 second'; RETURN NEW; END$$;
CREATE TRIGGER no_wait BEFORE UPDATE ON users.failed_sign_ins FOR EACH ROW EXECUTE FUNCTION no_wait()"""
WAITS = "DROP TRIGGER no_wait ON users.failed_sign_ins; DROP FUNCTION no_wait"

type Guess = tuple[str, str, str]
"""From which client address, the e-mail address, the password."""


@asynccontextmanager
async def no_waits(trial: Trial) -> AsyncIterator[None]:
    connection = await asyncpg.connect(trial.postgres.url().replace("+asyncpg", ""))
    await connection.execute(NO_WAITS)
    try:
        yield
    finally:
        await connection.execute(WAITS)
        await connection.close()


async def guess_all(replicas: Replicas, guesses: Iterable[Guess]) -> Counter[tuple[str, int, str]]:
    """How often each address was answered with which status and code."""
    answers: Counter[tuple[str, int, str]] = Counter()
    turn = asyncio.Semaphore(AT_ONCE)

    async def guess(number: int, address: str, email: str, password: str) -> None:
        async with turn:
            port = replicas.ports[number % len(replicas.ports)]
            status, code = await _sign_in_from(address, port, {"email": email, "password": password})
            answers[email, status, code] += 1

    await asyncio.gather(*(guess(number, *one) for number, one in enumerate(guesses)))
    return answers


async def test_a_hundred_guesses_from_everywhere_and_the_owner_still_comes_in(
    prepared: Trial, valkey: LastingValkey, report: Report, long: bool
) -> None:
    async with Replicas(prepared, 4, ENVIRONMENT) as replicas:
        owner = replicas.clients[0]
        body = {"email": EMAIL, "password": PASSWORD}
        assert (await owner.post("/api/users/sign-in", json=body)).status_code == 204, replicas.log(0)
        spray = [(address, EMAIL, f"guess from {address}") for address in ADDRESSES]
        spray += [(address, NOBODY, f"guess from {address}") for address in ADDRESSES[: 2 * MOST]]
        valkey_dies = MOST // 2
        async with no_waits(prepared):
            try:
                answers = await guess_all(replicas, spray[:valkey_dies])
                valkey.kill()
                answers += await guess_all(replicas, spray[valkey_dies:])
                flood = [(address, f"{number}@example.com", "wrong") for number, address in _flood(long)]
                await guess_all(replicas, flood)
                after = await guess_all(replicas, [(ADDRESSES[0], email, PASSWORD) for email in (EMAIL, NOBODY)])
            finally:
                await asyncio.to_thread(valkey.start)
        owners = [await _status(client, owner.cookies, body) for client in replicas.clients]
    compared = {email: answers[email, 401, "users.invalid_credentials"] for email in (EMAIL, NOBODY)}
    report(
        f"{answers.total()} guesses from {len(ADDRESSES)} addresses at 4 replicas, Redis killed after {valkey_dies}: "
        f"{compared[EMAIL]} compared for an account, {compared[NOBODY]} for nobody's address; "
        f"still refused after {len(flood)} other addresses; the owner's browser signed in {owners.count(204)} of 4 times"
    )
    assert compared == {EMAIL: MOST, NOBODY: MOST}
    assert {code for _, _, code in answers} <= {
        "users.invalid_credentials",
        "users.too_many_attempts",
        "users.known_device_required",
    }
    assert after == dict.fromkeys(REFUSED, 1)
    assert owners == [204] * 4


async def _sign_in_from(address: str, port: int, body: dict[str, str]) -> tuple[int, str]:
    """Status and code. By hand, because a client of a library's own for each address costs more than what it asks for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    content = json.dumps(body).encode()
    head = f"POST /api/users/sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len(content)}"
    writer.write(f"{head}\r\ncontent-type: application/json\r\n\r\n".encode() + content)
    answer, _, document = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(answer.split(b" ", 2)[1]), json.loads(document)["code"] if document else ""


async def _status(client: httpx.AsyncClient, cookies: httpx.Cookies, body: dict[str, str]) -> int:
    client.cookies.update(cookies)
    return (await client.post("/api/users/sign-in", json=body)).status_code


def _flood(long: bool) -> Iterable[tuple[int, str]]:
    return ((number, ADDRESSES[number % len(ADDRESSES)]) for number in range(10_000 if long else 200))
