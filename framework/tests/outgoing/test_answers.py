"""What comes back: bounded, kept from the next call, and an error of ours where a module asks for one."""

import gzip
import tracemalloc
import zlib

import httpx
import pytest
from framework.outgoing import BadResponse, OutgoingError
from host.testing.service import answer

from .conftest import Client, Start, drip


async def test_an_answer_has_a_largest_size(client: Client, start: Start) -> None:
    service = await start(answer(200, b"x" * 1000), answer(200, b"x" * 1001))
    http = client(service, outgoing_max_response=1000)
    assert len((await http.request("GET", service.url)).content) == 1000
    with pytest.raises(BadResponse, match="more than 1000 bytes") as raised:
        await http.request("GET", service.url)
    assert (raised.value.status, raised.value.code) == (502, "outgoing.bad_response")


async def test_what_a_head_says_of_a_body_does_not_count(client: Client, start: Start) -> None:
    service = await start(answer(200, b"", {"content-length": "99999999"}))
    response = await client(service).request("HEAD", service.url)
    assert response.headers["content-length"] == "99999999"


async def test_so_has_one_that_does_not_say_how_long_it_is(client: Client, start: Start) -> None:
    service = await start(drip(b"x" * 100, pause=0))
    with pytest.raises(BadResponse):
        await client(service, outgoing_max_response=10_000).request("GET", service.url)


async def test_what_unpacks_to_more_is_given_up_early(client: Client, start: Start) -> None:
    """64 MiB in 64 KiB, which arrive at once: most of them are never in memory."""
    packed = gzip.compress(bytes(64 * 1_048_576))
    service = await start(answer(200, packed, {"content-encoding": "gzip"}))
    http = client(service, outgoing_max_response=1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BadResponse):
            await http.request("GET", service.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * 1_048_576


async def test_a_packed_answer_is_unpacked(client: Client, start: Start) -> None:
    text = b'{"name": "Ada"}' * 10_000
    service = await start(answer(200, zlib.compress(text), {"content-encoding": "deflate"}))
    assert (await client(service).request("GET", service.url)).content == text


async def test_a_stream_may_be_longer(client: Client, start: Start) -> None:
    service = await start(answer(200, b"x" * 5000))
    async with client(service, outgoing_max_response=1000).stream("GET", service.url) as response:
        assert sum([len(piece) async for piece in response.aiter_bytes()]) == 5000


@pytest.mark.parametrize(
    "wrong",
    [
        answer(200, b"not gzip", {"content-encoding": "gzip"}),
        answer(302, headers={"location": "/again"}),
        answer(302, headers={"location": "http://example.com:port/"}),
    ],
    ids=["encoding", "redirected in a circle", "redirected to no URL"],
)
async def test_an_answer_of_no_use_is_an_error_of_ours(client: Client, start: Start, wrong: bytes) -> None:
    service = await start(wrong)
    with pytest.raises(BadResponse):
        await client(service).request("GET", service.url, follow_redirects=True)


async def test_no_json_is_an_error_of_ours(client: Client, start: Start) -> None:
    service = await start(answer(200, b"<html>"))
    response = await client(service).request("GET", service.url)
    with pytest.raises(BadResponse):
        response.json()


@pytest.mark.parametrize(
    ("status", "ours", "code", "retry_after"),
    [
        (400, 502, "outgoing.bad_response", None),
        (404, 502, "outgoing.bad_response", None),
        (500, 502, "outgoing.bad_response", None),
        (302, 502, "outgoing.bad_response", None),
        (429, 503, "outgoing.unavailable", "7"),
        (502, 503, "outgoing.unavailable", "7"),
        (503, 503, "outgoing.unavailable", "7"),
    ],
)
async def test_a_bad_status_can_be_raised(
    client: Client, start: Start, status: int, ours: int, code: str, retry_after: str | None
) -> None:
    headers = {"retry-after": retry_after} if retry_after else {}
    service = await start(answer(status, headers=headers))
    response = await client(service).request("POST", service.url)
    with pytest.raises(OutgoingError) as raised:
        response.raise_for_status()
    assert (raised.value.status, raised.value.code) == (ours, code)
    assert (raised.value.headers or {}).get("retry-after") == retry_after


async def test_a_good_status_is_not(client: Client, start: Start) -> None:
    service = await start(answer(201))
    response = await client(service).request("POST", service.url)
    assert response.raise_for_status() is response


async def test_cookies_are_not_kept_for_the_next_call(client: Client, start: Start) -> None:
    """It may be made for somebody else."""
    service = await start(answer(200, headers={"set-cookie": "session=ada; Path=/"}))
    http = client(service)
    first = await http.request("GET", service.url)
    await http.request("GET", service.url)
    assert first.cookies["session"] == "ada"
    assert "cookie" not in service.asked[1].headers


async def test_headers_for_one_service_are_not_shown_to_another(client: Client, start: Start) -> None:
    other = await start()
    service = await start(answer(307, headers={"location": other.url}))
    secrets = {"X-Api-Key": "secret", "Authorization": "Bearer secret"}
    await client(service, other).request(
        "POST", service.url, json={}, headers=secrets, idempotency_key="k", follow_redirects=True
    )
    assert {"x-api-key", "authorization"} <= service.asked[0].headers.keys()
    assert not {"x-api-key", "authorization"} & other.asked[0].headers.keys()
    # No secret, and the reason why this may be repeated.
    assert other.asked[0].headers["idempotency-key"] == "k"
    assert other.asked[0].body == b"{}"


async def test_they_stay_with_a_redirect_inside_of_it(client: Client, start: Start) -> None:
    service = await start(answer(307, headers={"location": "/elsewhere"}), answer(200))
    await client(service).request("GET", service.url, headers={"X-Api-Key": "secret"}, follow_redirects=True)
    assert [asked.headers["x-api-key"] for asked in service.asked] == ["secret", "secret"]


async def test_a_redirect_is_not_followed_unless_asked_for(client: Client, start: Start) -> None:
    service = await start(answer(302, headers={"location": "/elsewhere"}))
    assert (await client(service).request("GET", service.url)).status_code == 302
    assert len(service.asked) == 1


async def test_connections_are_used_again(client: Client, start: Start) -> None:
    service = await start()
    http = client(service)
    for _ in range(10):
        await http.request("GET", service.url)
    assert (service.connections, len(service.asked)) == (1, 10)


async def test_what_is_asked_arrives(client: Client, start: Start) -> None:
    service = await start()
    http = client(service)
    await http.request("put", f"{service.url}/people?all=1", params={"name": "Ada & Co"}, content="text")
    await http.request("POST", f"{service.url}/people?all=1", json={"name": "Ada"})
    one, two = service.asked
    assert (one.method, httpx.URL(one.target).params["name"], one.body) == ("PUT", "Ada & Co", b"text")
    assert (two.target, two.body, two.headers["content-type"]) == (
        "/people?all=1",
        b'{"name":"Ada"}',
        "application/json",
    )


async def test_a_proxy_that_this_machine_names_does_not_count(
    client: Client, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await client(service).request("GET", service.url)).status_code == 200
