"""No request that is within its limits keeps a process from everything else for more than 50 ms."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx
import pytest
from host.trial import ADMINISTRATOR, Trial

from tests.faults import corpus
from tests.faults.conftest import Report
from tests.faults.corpus import ID, SIZE, Sent
from tests.faults.web import Replicas

MOST = 50.0
"""Milliseconds."""
ENVIRONMENT = {
    "SM_MODULES_ENABLED": "background_tasks,users,contacts,notifications,admin,probe",
    "PROBE_LAG": "1",
    "SM_RATE_LIMITS": "seamark.principal=off; seamark.address=off; users.sign_in=off",
}
LINE = 8000
"""Bytes of a request line: what is longer is refused, as ``heads`` shows."""
SAMPLE = 11
"""Every which one is sent unless it is long: no divisor of how many there are for a route, so each kind gets its turn."""
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    fields: tuple[str, ...]
    parameters: tuple[str, ...]
    in_path: tuple[str, ...]

    def filled(self, **values: str) -> str:
        path = self.path
        for name in self.in_path:
            path = path.replace(f"{{{name}}}", values.get(name, ID))
        return path


class Victim:
    """One process, as an administrator who may ask everything sees it."""

    def __init__(self, replicas: Replicas) -> None:
        self.client = replicas.clients[0]
        self.port = replicas.ports[0]
        self.routes: list[Route] = []

    async def prepare(self) -> None:
        await self.sign_in()
        document = (await self.client.get("/api/openapi.json")).json()
        schemas = document["components"]["schemas"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if not path.startswith("/api/probe"):
                    self.routes.append(_route(method.upper(), path, operation, schemas))

    async def sign_in(self) -> None:
        credentials = {"email": ADMINISTRATOR[0], "password": ADMINISTRATOR[1]}
        (await self.client.post("/api/users/sign-in", json=credentials)).raise_for_status()

    async def lag(self) -> float:
        return float((await self.client.get("/api/probe/lag")).text)

    async def held_by(self, sent: Sent) -> tuple[float, int]:
        """Milliseconds for which the loop was held, and the status; 0 where there was no answer."""
        await self.lag()
        try:
            async with self.client.stream(sent.method, sent.path, content=sent.content, headers=sent.headers) as answer:
                status = answer.status_code
                if not sent.path.endswith("/events"):
                    await answer.aread()
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            status = 0
        if sent.path == "/api/users/sign-out":
            await self.sign_in()
        return await self.lag(), status


def _route(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Route:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    parameters = operation.get("parameters", ())
    by_place = {place: tuple(item["name"] for item in parameters if item["in"] == place) for place in ("query", "path")}
    return Route(method, path, tuple(schemas.get(name, {}).get("properties", ())), by_place["query"], by_place["path"])


@pytest.fixture
async def victim(prepared: Trial) -> AsyncIterator[Victim]:
    async with Replicas(prepared, 1, ENVIRONMENT) as replicas:
        victim = Victim(replicas)
        await victim.prepare()
        yield victim


def documents(routes: list[Route]) -> Iterator[Sent]:
    """Whatever the route wants: on one that takes an object, one that takes a list of nothing, and one that is public."""
    for route in routes:
        if route.fields:
            for what, text in corpus.documents():
                yield Sent(f"{what} to", route.method, route.filled(), text.encode(errors="surrogateescape"), JSON)


def fields(routes: list[Route]) -> Iterator[Sent]:
    for route in routes:
        for name in route.fields:
            for what, value in corpus.values(SIZE * 9 // 10):
                # As it is in UTF-8, so that nothing is lost to escapes.
                body = json.dumps({name: value}, ensure_ascii=False).encode()
                if len(body) <= SIZE:
                    yield Sent(f"{name} of {what} to", route.method, route.filled(), body, JSON)


def forms(routes: list[Route]) -> Iterator[Sent]:
    for route in routes:
        if route.method == "POST":
            for what, kind, content in corpus.forms():
                yield Sent(f"{what} in a form to", route.method, route.filled(), content, {"content-type": kind})


def lines(routes: list[Route]) -> Iterator[Sent]:
    """Of parameters that nobody asked for, of values that are wrong, and of paths that lead nowhere."""
    for route in routes:
        if route.method != "GET":
            continue
        path = route.filled()
        yield Sent("many parameters of", "GET", f"{path}?{'a&' * (LINE // 2)}")
        yield Sent("one parameter over and over of", "GET", f"{path}?{'q=1&' * (LINE // 4)}")
        for what, value in corpus.hostile(LINE // 9):
            for name in route.parameters:
                query = httpx.QueryParams({name: value})
                yield Sent(f"{name} of {what} of", "GET", f"{path}?{query}")
            for name in route.in_path:
                encoded = str(httpx.QueryParams({"": value}))[1:].replace("+", "%20")
                yield Sent(f"{name} of {what} in", "GET", route.filled(**{name: encoded}))


def heads(_: list[Route]) -> Iterator[Sent]:
    for size, paths in ((30_000, ("/", "/health", "/api/app", "/api/users/me", "/nowhere")), (SIZE, ("/api/app",))):
        for path in paths:
            for what, headers in corpus.headers(size):
                yield Sent(f"{size} bytes of {what} to", "GET", path, headers=headers)
    for size in (LINE, 60_000):
        yield Sent(f"a path of {size} bytes", "GET", "/" + "a/" * (size // 2))
        yield Sent(f"a path of {size} bytes below /api", "GET", "/api/" + "%61" * (size // 3))
        yield Sent(f"a query of {size} bytes", "GET", "/api/contacts?" + "a&" * (size // 2))


@pytest.mark.parametrize("requests", [documents, fields, forms, lines, heads])
async def test_no_request_within_its_limits_holds_the_loop(
    victim: Victim, report: Report, long: bool, requests: Callable[[list[Route]], Iterator[Sent]]
) -> None:
    quiet = max([(await victim.held_by(Sent("", "GET", "/health")))[0] for _ in range(20)])
    held: list[tuple[float, str]] = []
    failed: list[str] = []
    for sent in islice(requests(victim.routes), 0, None, 1 if long else SAMPLE):
        milliseconds, status = await victim.held_by(sent)
        named = f"{sent.what} {sent.method} {sent.path[:60]} ({status})"
        if milliseconds > MOST + quiet:
            # A collection of garbage may have come just then: what holds the loop does so again.
            milliseconds = min(milliseconds, (await victim.held_by(sent))[0])
        held.append((milliseconds, named))
        if status >= 500 and status != 503:
            failed.append(named)
    held.sort(reverse=True)
    report(
        f"{requests.__name__}: {len(held)} requests, the loop was held for {held[0][0]:.1f} ms at most "
        f"({quiet:.1f} ms without load): " + "; ".join(f"{ms:.1f} {named}" for ms, named in held[:5])
    )
    assert failed == []
    assert [named for ms, named in held if ms > MOST + quiet] == []
