"""No URL, redirect or name server leads to where this installation may not call (OWASP, "Server-Side Request Forgery
Prevention"). Counted where it matters: in what is dialled."""

import httpcore
import pytest
from framework.outgoing import ForbiddenAddress, OutgoingError
from framework.outgoing.destinations import Destinations
from host.testing.service import Service, answer

from .conftest import Client, Start

# As an attacker's name server would answer.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "private.test": ["10.0.0.1"],
    "loopback.test": ["127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "sixtofour.test": ["2002:7f00:1::"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "mixed6.test": ["2606:2800:220:1::", "::1"],
    "linklocal.test": ["fe80::1%lo"],
}
PAYLOADS = (
    # Loopback, in the ways that it can be written.
    "http://127.0.0.1/",
    "http://127.0.0.2/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://loopback.test/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://%31%32%37.0.0.1/",
    # Networks of one's own, and what clouds keep there.
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://255.255.255.255/",
    "http://198.18.0.1/",
    "http://private.test/",
    "http://metadata.test/",
    "http://mapped.test/",
    "http://nat64.test/",
    "http://sixtofour.test/",
    "http://mixed.test/",
    "http://mixed6.test/",
    "http://linklocal.test/",
    # What people and parsers read differently.
    "http://example.com@127.0.0.1/",
    "http://user:password@example.com/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://example.com:80@127.0.0.1:80/",
    "http://example.com/\r\nHost: 127.0.0.1\r\n\r\n",
    # Other ways out of HTTP.
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://example.com/",
    "dict://127.0.0.1:11211/stats",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "//127.0.0.1/",
    "/etc/passwd",
    "",
    # Public, at ports that are none of HTTP's.
    "http://example.com:22/",
    "http://example.com:6379/",
    "https://93.184.216.34:5432/",
)


class Dialled(httpcore.AsyncNetworkBackend):
    """Whatever is dialled is counted, and leads to the local listener."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.addresses: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.addresses.append((host, port))
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.service.port)


class NameServer:
    """Answers from ``NAMES``; a list of lists is one answer after another."""

    def __init__(self, answers: dict[str, list[list[str]]] | None = None) -> None:
        self.answers = answers or {}

    async def __call__(self, host: str, _: int) -> list[str]:
        name = host.lower().rstrip(".")
        if name in self.answers:
            return self.answers[name].pop(0)
        return NAMES.get(name, ["93.184.216.34"])


async def test_0_of_all_payloads_connect(client: Client, start: Start) -> None:
    service = await start()
    dialled = Dialled(service)
    http = client(destinations=Destinations(), dial=dialled, resolve=NameServer())
    for url in PAYLOADS:
        with pytest.raises(ForbiddenAddress):
            await http.request("GET", url)
    assert len(PAYLOADS) >= 40
    assert (dialled.addresses, service.connections) == ([], 0)


async def test_the_same_listener_is_reached_where_it_is_allowed(client: Client, start: Start) -> None:
    """Or the test above would prove nothing."""
    service = await start()
    dialled = Dialled(service)
    for allowed in ("loopback.test", "127.0.0.0/8"):
        http = client(destinations=Destinations.of([allowed]), dial=dialled, resolve=NameServer())
        assert (await http.request("GET", "http://loopback.test/")).status_code == 200
    assert (
        await client(destinations=Destinations(), dial=dialled, resolve=NameServer()).request(
            "GET", "http://example.com/"
        )
    ).status_code == 200
    assert dialled.addresses == [("127.0.0.1", 80), ("127.0.0.1", 80), ("93.184.216.34", 80)]
    assert service.connections == 3


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/",
        "http://metadata.test/latest/",
        "//169.254.169.254/",
        "http://2130706433/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "http://example.com:6379/",
    ],
)
async def test_a_redirect_leads_nowhere_else(client: Client, start: Start, location: str) -> None:
    service = await start(answer(302, headers={"location": location}))
    dialled = Dialled(service)
    http = client(destinations=Destinations(), dial=dialled, resolve=NameServer())
    with pytest.raises(ForbiddenAddress):
        await http.request("GET", "http://example.com/", follow_redirects=True)
    assert (dialled.addresses, len(service.asked)) == ([("93.184.216.34", 80)], 1)


async def test_a_redirect_from_https_to_http_is_not_followed(client: Client, start: Start) -> None:
    """Checked without TLS: the guard sees the first hop's scheme, whatever carries it."""
    service = await start(answer(302, headers={"location": "http://example.com/"}))

    class Plain(Dialled):
        async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
            return Bare(await super().connect_tcp(host, port))

    http = client(destinations=Destinations(), dial=Plain(service), resolve=NameServer())
    with pytest.raises(ForbiddenAddress, match="from https to http"):
        await http.request("GET", "https://example.com/", follow_redirects=True)
    assert len(service.asked) == 1


class Bare(httpcore.AsyncNetworkStream):
    """A connection that needs no TLS to pass for one."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self.stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return await self.stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        return self

    def get_extra_info(self, info: str) -> None:
        return None


async def test_a_name_that_changes_its_meaning_is_dialled_as_it_was_checked(client: Client, start: Start) -> None:
    """DNS rebinding: public when it is checked, loopback a moment later. There is no second question."""
    service = await start(answer(200, headers={"connection": "close"}))
    dialled = Dialled(service)
    names = NameServer({"rebind.test": [["93.184.216.34"], ["127.0.0.1"], ["169.254.169.254"]]})
    http = client(destinations=Destinations(), dial=dialled, resolve=names)
    assert (await http.request("GET", "http://rebind.test/")).status_code == 200
    assert dialled.addresses == [("93.184.216.34", 80)]
    for _ in range(2):
        # A new connection asks anew, and what it is told then is checked as well.
        with pytest.raises(ForbiddenAddress):
            await http.request("GET", "http://rebind.test/")
    assert dialled.addresses == [("93.184.216.34", 80)]


async def test_it_is_no_failure_of_the_host(client: Client, start: Start) -> None:
    """Or whoever may choose URLs could open the circuit breaker of a host that others need."""
    service = await start()
    answers = [["127.0.0.1"]] * 30 + [["93.184.216.34"]]
    http = client(destinations=Destinations(), dial=Dialled(service), resolve=NameServer({"api.test": answers}))
    for _ in range(30):
        with pytest.raises(ForbiddenAddress):
            await http.request("GET", "http://api.test/")
    assert (await http.request("GET", "http://api.test/")).status_code == 200


async def test_a_port_is_allowed_with_its_host_only(client: Client, start: Start) -> None:
    service = await start()
    http = client(service)
    assert (await http.request("GET", service.url)).status_code == 200
    for url in (f"http://127.0.0.2:{service.port}/", f"http://127.0.0.1:{service.port - 1}/", "http://127.0.0.1/"):
        with pytest.raises(OutgoingError) as raised:
            await http.request("GET", url)
        assert raised.value.code == "outgoing.forbidden_address"
