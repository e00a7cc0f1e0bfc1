"""https by the shipped site, in front of the real application: versions, HTTP/2, streams, and the way there from port 80."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
import websockets
from host.built_files import IMMUTABLE
from host.trial import Trial

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import TLS_NAME, Nginx
from tests.deployment.replica import Replica
from tests.faults.web import Replicas

CHUNK = "assets/main-0a1B2c3D.js"


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with Replica() as replica:
        yield replica


@pytest.fixture
def nginx(replica: Replica, start_nginx: StartNginx) -> Nginx:
    return start_nginx([replica.port], tls=True)


@pytest.fixture
def client(nginx: Nginx) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=nginx.url, verify=nginx.trust, http2=True, timeout=10) as client:
        yield client


async def version_of(nginx: Nginx, context: ssl.SSLContext) -> str | None:
    async with asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", nginx.port, ssl=context, server_hostname=TLS_NAME)
        spoken: str | None = writer.get_extra_info("ssl_object").version()
        writer.close()
        return spoken


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_these_versions_are_spoken(nginx: Nginx, version: ssl.TLSVersion) -> None:
    context = nginx.trust
    context.minimum_version = context.maximum_version = version
    assert await version_of(nginx, context) == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_older_ones_are_not(nginx: Nginx) -> None:
    context = nginx.trust
    # Else it is this side that refuses.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        await version_of(nginx, context)


async def test_a_process_hears_that_it_was_https_by_either_version_of_http(nginx: Nginx, replica: Replica) -> None:
    for http2 in (True, False):
        async with httpx.AsyncClient(verify=nginx.trust, http2=http2, timeout=10) as client:
            answer = await client.get(f"{nginx.url}/", headers={"x-forwarded-proto": "http"})
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert [head["x-forwarded-proto"] for head in replica.heads] == ["https", "https"]
    assert all("connection" not in head for head in replica.heads)


async def test_people_are_sent_from_port_80_to_the_same_page(nginx: Nginx, replica: Replica) -> None:
    async with httpx.AsyncClient(base_url=nginx.plain_url, timeout=10) as client:
        answer = await client.get(
            "/contacts?name=a%20b", headers={"host": "evil.example", "x-forwarded-proto": "https"}
        )
        assert (answer.status_code, answer.headers["location"]) == (308, f"https://{TLS_NAME}/contacts?name=a%20b")
    assert not replica.requests


async def test_programs_are_refused_at_port_80(nginx: Nginx, replica: Replica) -> None:
    async with httpx.AsyncClient(base_url=nginx.plain_url, timeout=10) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, "/api/contacts")
            assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
            assert answer.json()["code"] == "request.https_only"
    assert not replica.requests


def test_a_file_that_is_asked_for_by_https_has_the_header_that_keeps_people_there(
    nginx: Nginx, client: httpx.Client
) -> None:
    (nginx.built / "assets").mkdir(parents=True)
    (nginx.built / CHUNK).write_text("let it = 1;")
    answer = client.get(f"/build/{CHUNK}")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert answer.headers["cache-control"] == IMMUTABLE


async def test_streams_and_files_of_the_real_application(prepared: Trial, start_nginx: StartNginx) -> None:
    """One installation, as starting it takes longer than all that is asked of it."""
    async with (
        AsyncExitStack() as stack,
        Replicas(prepared, 1, {"SM_PUBLIC_URL": f"https://{TLS_NAME}"}) as replicas,
        asyncio.timeout(60),
    ):
        nginx = start_nginx(replicas.ports, tls=True)
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=nginx.url, verify=nginx.trust, http2=http2))
            for http2 in (True, False)
        ]
        for client in clients:
            await an_event_arrives(client)
        await a_web_socket_is_handed_over(nginx)
        await what_nginx_answers_has_the_same_headers(nginx, clients[0])


async def an_event_arrives(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/api/probe/events") as answer:
        # It does not end: were it held back until it did, this would wait for ever.
        assert await anext(answer.aiter_lines()) == "event: first"


async def a_web_socket_is_handed_over(nginx: Nginx) -> None:
    url = f"wss://{TLS_NAME}:{nginx.port}/api/probe/echo"
    async with websockets.connect(url, ssl=nginx.trust) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def what_nginx_answers_has_the_same_headers(nginx: Nginx, client: httpx.AsyncClient) -> None:
    (nginx.built / "assets").mkdir(parents=True)
    (nginx.built / CHUNK).write_text("let it = 1;")
    given = {"x-correlation-id": "from-the-client-1"}
    by_nginx = await client.get(f"/build/{CHUNK}", headers=given)
    by_the_application = await client.get("/build/assets/nowhere-0a1B2c3D.js", headers=given)
    assert (by_nginx.status_code, by_the_application.status_code) == (200, 404)
    own = {"cache-control", "content-length", "content-type", "date", "last-modified", "etag", "accept-ranges"}
    assert {name: value for name, value in by_nginx.headers.items() if name not in own} == {
        name: value for name, value in by_the_application.headers.items() if name not in own
    }
