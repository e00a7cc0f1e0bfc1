"""People at work while something fails: every kind of request, sent when its time has come, whatever became of those before."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from secrets import token_hex
from time import perf_counter
from typing import Any, Self

import httpx
from host.trial import ADMINISTRATOR

MODULES = "admin,users,contacts,background_tasks,probe"
UNHURRIED = "seamark.principal=1000000/60; seamark.address=1000000/60; users.sign_in=1000000/60"
"""``SM_RATE_LIMITS`` that count everything and refuse nothing."""
LOST = 0
"""In the place of a status: no answer came."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``body`` is given a label that no other request has."""

    name: str
    method: str
    path: str
    body: Callable[[str], object] | None = None
    keyed: bool = False


KINDS = (
    Kind("liveness", "GET", "/health"),
    Kind("page", "GET", "/contacts"),
    Kind("file", "GET", "/build/favicon.svg"),
    Kind("list", "GET", "/api/contacts"),
    Kind("write", "POST", "/api/contacts", lambda label: {"name": label, "email": f"{label}@example.test"}, keyed=True),
    Kind("enqueue", "POST", "/api/probe/notes", lambda label: {"key": label}),
)


@dataclass(frozen=True, slots=True)
class Answer:
    phase: str
    kind: Kind
    label: str
    status: int
    code: str
    retry_after: str
    seconds: float


async def sign_in(client: httpx.AsyncClient) -> str:
    """The header ``Cookie`` of a session, which is the same at every replica."""
    email, password = ADMINISTRATOR
    answer = await client.post("/api/users/sign-in", json={"email": email, "password": password})
    assert answer.status_code < 300, answer.text
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


class Traffic:
    """``async with Traffic(clients, cookie, rate=50) as traffic``: goes on while the block runs; all is in ``answers``."""

    def __init__(
        self,
        clients: Sequence[httpx.AsyncClient],
        cookie: str,
        *,
        rate: float,
        kinds: Sequence[Kind] = KINDS,
        at_once: int | None = None,
    ) -> None:
        """``rate`` is of requests a second; with ``at_once`` fewer, while so many are under way: no overload is made."""
        self.answers: list[Answer] = []
        self.phase = ""
        self._clients = cycle(clients)
        self._cookie = cookie
        self._rate = rate
        self._kinds = cycle(kinds)
        self._at_once = at_once
        self._labels = (f"traffic-{run}-{number}" for run in (token_hex(4),) for number in count(1))
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._sending = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sending.cancel()
        await asyncio.wait({self._sending, *self._under_way})

    async def during(self, phase: str, seconds: float) -> None:
        self.phase = phase
        await asyncio.sleep(seconds)

    async def settled(self) -> None:
        """Returns once all that was sent by now is answered."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, began + sent / self._rate - loop.time()))
            while len(self._under_way) == self._at_once:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                # What was not sent meanwhile is not made up for.
                began, sent = loop.time(), 0
            sent += 1
            task = asyncio.create_task(self._ask(next(self._clients), next(self._kinds), self.phase))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _ask(self, client: httpx.AsyncClient, kind: Kind, phase: str) -> None:
        label = next(self._labels)
        self.answers.append(await self.ask(client, kind, label, phase))

    async def ask(self, client: httpx.AsyncClient, kind: Kind, label: str, phase: str = "") -> Answer:
        headers = {"cookie": self._cookie} | ({"idempotency-key": label} if kind.keyed else {})
        body: Mapping[str, Any] = {"json": kind.body(label)} if kind.body else {}
        began = perf_counter()
        try:
            answer = await client.request(kind.method, kind.path, headers=headers, **body)
            status, code, retry_after = answer.status_code, code_of(answer), answer.headers.get("retry-after", "")
        except httpx.TransportError as error:
            status, code, retry_after = LOST, repr(error), ""
        return Answer(phase, kind, label, status, code, retry_after, perf_counter() - began)

    # What came of it

    def of(self, *phases: str, kind: str = "") -> list[Answer]:
        return [answer for answer in self.answers if answer.phase in phases and kind in ("", answer.kind.name)]

    def failed(self, *phases: str, kind: str = "") -> list[Answer]:
        return [answer for answer in self.of(*phases, kind=kind) if not 200 <= answer.status < 400]

    def p99(self, phase: str) -> float:
        """Milliseconds."""
        seconds = sorted(answer.seconds for answer in self.of(phase))
        return 1000 * seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)]


def code_of(answer: httpx.Response) -> str:
    if answer.headers.get("content-type") != "application/problem+json":
        return ""
    return str(json.loads(answer.content)["code"])
