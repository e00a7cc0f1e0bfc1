"""The limit in front: by the same key, with the same status and the same document as the application's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import monotonic

import httpx
import orjson
import pytest
from host.trial import Trial

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import BALANCER, Nginx
from tests.faults.conftest import Report
from tests.faults.web import Replicas

AT_ONCE = 21
PER_SECOND = 10
"""nginx lets through a first request and a burst of 20, and from then on ten a second."""
FLOOD = 100
STRICT = 5
VARYING = {"date", "x-ratelimit-limit"}
LIMITED = "/api/app"
NOBODY = "192.0.2.7"
type Line = dict[str, str]


@pytest.fixture(scope="module")
async def replicas(prepared: Trial) -> AsyncIterator[Replicas]:
    async with Replicas(prepared, 2) as replicas:
        yield replicas


@pytest.fixture
def nginx(replicas: Replicas, start_nginx: StartNginx) -> Nginx:
    return start_nginx(replicas.ports)


@pytest.fixture(scope="module")
async def strict_replicas(prepared: Trial) -> AsyncIterator[Replicas]:
    """Processes whose own limit is the lower one. It counts across tests: each has addresses of its own."""
    async with Replicas(prepared, 2, {"SM_RATE_LIMITS": f"seamark.address={STRICT}/3600"}) as replicas:
        yield replicas


@pytest.fixture
def strict(strict_replicas: Replicas, start_nginx: StartNginx) -> Nginx:
    return start_nginx(strict_replicas.ports)


@pytest.fixture
async def one_a_second(prepared: Trial, start_nginx: StartNginx) -> AsyncIterator[Nginx]:
    """A process of which it is refused for as many seconds as by nginx."""
    async with Replicas(prepared, 1, {"SM_RATE_LIMITS": f"seamark.address={STRICT}/{STRICT}"}) as replicas:
        yield start_nginx(replicas.ports)


def client_at(nginx: Nginx, address: str, **options: object) -> httpx.AsyncClient:
    """A client whose connections come from ``address``, one of loopback's."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(base_url=nginx.url, transport=transport, timeout=10, **options)  # type: ignore[arg-type]


async def flood(
    client: httpx.AsyncClient, path: str = LIMITED, **options: object
) -> tuple[list[httpx.Response], float]:
    """What ``FLOOD`` requests are answered, and how many of them the limit allows at most in the time that they took."""
    began = monotonic()
    answers = await asyncio.gather(*(client.get(path, **options) for _ in range(FLOOD)))  # type: ignore[arg-type]
    return answers, AT_ONCE + (monotonic() - began) * PER_SECOND + 1


def admitted(answers: list[httpx.Response]) -> int:
    return sum(answer.status_code != 429 for answer in answers)


async def test_no_more_than_the_limit_gets_through_and_all_else_is_told_when_to_come_again(
    nginx: Nginx, report: Report
) -> None:
    async with client_at(nginx, "127.0.0.2") as client:
        answers, most = await flood(client)
        assert AT_ONCE <= admitted(answers) <= most
        refused = next(answer for answer in answers if answer.status_code == 429)
        await asyncio.sleep(int(refused.headers["retry-after"]))
        assert (await client.get(LIMITED)).status_code == 200
    report(f"{FLOOD} requests at once through nginx: {admitted(answers)} answered, at most {most:.1f} allowed")


async def test_a_refusal_reads_like_one_of_the_application(nginx: Nginx, one_a_second: Nginx) -> None:
    given = {"x-correlation-id": "from-the-client-1"}
    async with client_at(nginx, "127.0.0.3") as client, client_at(one_a_second, "127.0.0.3") as other:
        theirs = next(answer for answer in (await flood(client, headers=given))[0] if answer.status_code == 429)
        async with asyncio.timeout(30):
            while (ours := await other.get(LIMITED, headers=given)).status_code != 429:
                pass
    assert "x-ratelimit-limit" in ours.headers
    assert (ours.status_code, ours.headers["ratelimit-policy"]) == (429, f'"seamark.address";q={STRICT};w={STRICT}')
    assert theirs.headers.keys() == ours.headers.keys() | {"connection"}
    same = {name for name in ours.headers if not name.startswith("ratelimit") and name not in VARYING}
    assert {name: theirs.headers[name] for name in same} == {name: ours.headers[name] for name in same}
    assert theirs.json() == ours.json()
    assert ours.json()["correlation_id"] == ours.headers["x-correlation-id"] == "from-the-client-1"


async def test_what_is_not_the_api_is_not_limited(nginx: Nginx) -> None:
    async with client_at(nginx, "127.0.0.4") as client:
        for path in ("/health", "/nowhere", "/build/nowhere.js"):
            answers, _ = await flood(client, path)
            assert admitted(answers) == FLOOD, path


async def test_each_address_has_a_limit_of_its_own(nginx: Nginx) -> None:
    async with client_at(nginx, "127.0.0.5") as one, client_at(nginx, "127.0.0.6") as other:
        answers, most = await flood(one)
        assert admitted(answers) <= most
        assert (await other.get(LIMITED)).status_code == 200


async def test_an_address_of_its_own_making_gets_a_client_no_further(
    nginx: Nginx, replicas: Replicas, report: Report
) -> None:
    forged = (
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "x-client",
        "x-user-id",
        "true-client-ip",
        "cf-connecting-ip",
    )
    named = {"x-correlation-id": "forging-addresses"}
    async with client_at(nginx, "127.0.0.7") as client:
        began = monotonic()
        answers = await asyncio.gather(
            *(client.get(LIMITED, headers=named | dict.fromkeys(forged, f"{NOBODY}{n}")) for n in range(FLOOD))
        )
        most = AT_ONCE + (monotonic() - began) * PER_SECOND + 1
        assert admitted(answers) <= most
    await logged(named["x-correlation-id"], lambda: access_log(replicas))
    clients = {line["client"] for line in access_log(replicas) if line["correlation_id"] == named["x-correlation-id"]}
    assert clients == {"127.0.0.7"}
    report(
        f"{FLOOD} requests with addresses of their own making: {admitted(answers)} answered, at most {most:.1f} allowed"
    )


NETWORKS = pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:eeee:dddd:cccc", "2001:db8:1:3::1"),
        ("2001:db8:a0a:a0a::", "2001:db8:0a0a:0a0a:a0a:a0a:a0a:a0a", "2001:db8:a0a:a0b::"),
        ("::ffff:198.51.100.1", "198.51.100.1", "::ffff:198.51.100.2"),
    ],
)


@NETWORKS
async def test_a_network_of_ipv6_has_one_limit(nginx: Nginx, address: str, same: str, other: str) -> None:
    async with client_at(nginx, BALANCER) as client:
        began = monotonic()
        answers = [answer for who in (address, same) for answer in (await flood(client, headers={"x-client": who}))[0]]
        assert admitted(answers) <= AT_ONCE + (monotonic() - began) * PER_SECOND + 1
        assert (await client.get(LIMITED, headers={"x-client": other})).status_code == 200


@NETWORKS
async def test_the_application_counts_by_the_same_key(strict: Nginx, address: str, same: str, other: str) -> None:
    async with client_at(strict, BALANCER) as client:
        for _ in range(STRICT):
            assert (await client.get(LIMITED, headers={"x-client": address})).status_code == 200
        statuses = [
            (await client.get(LIMITED, headers={"x-client": who})).status_code for who in (address, same, other)
        ]
        assert statuses == [429, 429, 200]


async def test_one_id_finds_a_request_in_both_logs(nginx: Nginx, replicas: Replicas) -> None:
    async with client_at(nginx, "127.0.0.8") as client:
        for given, kept in (("from-the-client-2", True), ('broken"id', False), ("short", False), ("x" * 65, False)):
            answer = await client.get(LIMITED, headers={"x-correlation-id": given})
            correlation_id = answer.headers["x-correlation-id"]
            assert (correlation_id == given) is kept
            await logged(correlation_id, lambda: access_log(replicas))
            await logged(correlation_id, lambda: lines(nginx.access.read_text()))


async def logged(correlation_id: str, read: Callable[[], list[Line]]) -> None:
    """Returns once it is there: a line is written when the answer has gone out."""
    async with asyncio.timeout(10):
        while all(line["correlation_id"] != correlation_id for line in read()):  # noqa: ASYNC110 - by another process
            await asyncio.sleep(0.01)


def access_log(replicas: Replicas) -> list[Line]:
    written = [line for number in range(len(replicas.ports)) for line in lines(replicas.log(number))]
    return [line for line in written if line.get("event") == "request"]


def lines(log: str) -> list[Line]:
    return [orjson.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}")]
