"""Load on one web process, from a process of its own so that client and server do not share one event loop; on uvloop, so
that it takes little of what they share, the machine.

``run`` starts it as ``python -m tests.faults.load``. With a rate it is open: a request is sent when its time has come,
answered or not those before it, and its time runs from then on (G. Tene: coordinated omission). Without, it is closed:
each connection asks again when it has been answered.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Self, cast

import uvloop

CONNECT = 100
"""Connections made at once: fewer than what a listening socket keeps waiting."""


@dataclass(frozen=True, slots=True)
class Load:
    port: int
    paths: list[str]
    """Asked for in turn."""
    cookie: str
    connections: int
    seconds: float
    rate: float | None = None
    """Requests a second."""

    def messages(self) -> Iterator[bytes]:
        for path in cycle(self.paths):
            yield f"GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {self.cookie}\r\n\r\n".encode()


@dataclass(slots=True)
class Outcome:
    """Answers by status, with their milliseconds; ``unsent`` found no free connection, ``lost`` no answer."""

    seconds: float = 0
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    unsent: int = 0
    lost: int = 0

    def count(self, status: int) -> int:
        return len(self.milliseconds.get(str(status), ()))

    def rate(self, status: int = 200) -> float:
        return self.count(status) / self.seconds

    def p(self, percent: int, status: int = 200) -> float:
        """The percentile of their milliseconds."""
        values = sorted(self.milliseconds.get(str(status), [float("nan")]))
        return values[min(len(values) - 1, len(values) * percent // 100)]

    def statuses(self) -> dict[str, int]:
        return dict(Counter({status: len(values) for status, values in self.milliseconds.items()}))


class Connection(asyncio.Protocol):
    """One request at a time; reads no more of an answer than its status and length."""

    transport: asyncio.Transport

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.sent_at = 0.0
        self._buffer = b""
        self._end = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, at: float) -> None:
        self.sent_at = at
        self.transport.write(next(self.run.messages))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._end:
            head, found, _ = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._end = len(head) + 4 + int(length or 0)
        if len(self._buffer) >= self._end:
            status, self._buffer, self._end = self._buffer[9:12].decode(), b"", 0
            self.run.answered(self, status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.lost(self)


class Run:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.messages = load.messages()
        self.outcome = Outcome()
        self.idle: list[Connection] = []
        self.loop = asyncio.get_running_loop()
        self.over = False

    @classmethod
    async def of(cls, load: Load) -> Outcome:
        run = cls(load)
        await run.connect()
        began = run.loop.time()
        await (run.open() if load.rate else run.closed())
        run.over = True
        run.outcome.seconds = run.loop.time() - began
        # What is still on its way is neither good nor bad.
        return run.outcome

    async def connect(self) -> Self:
        for first in range(0, self.load.connections, CONNECT):
            count = min(CONNECT, self.load.connections - first)
            made = (
                self.loop.create_connection(lambda: Connection(self), "127.0.0.1", self.load.port) for _ in range(count)
            )
            self.idle += [protocol for _, protocol in await asyncio.gather(*made)]
        return self

    async def closed(self) -> None:
        while self.idle:
            self.idle.pop().send(self.loop.time())
        await asyncio.sleep(self.load.seconds)

    async def open(self) -> None:
        began = self.loop.time()
        sent = 0
        assert self.load.rate
        while (now := self.loop.time()) - began < self.load.seconds:
            due = int((now - began) * self.load.rate)
            while sent < due:
                at = began + sent / self.load.rate
                sent += 1
                if self.idle:
                    self.idle.pop().send(at)
                else:
                    self.outcome.unsent += 1
            await asyncio.sleep(0.002)

    def answered(self, connection: Connection, status: str) -> None:
        now = self.loop.time()
        if self.over:
            return
        self.outcome.milliseconds.setdefault(status, []).append(round((now - connection.sent_at) * 1000, 2))
        if self.load.rate:
            self.idle.append(connection)
        else:
            connection.send(now)

    def lost(self, connection: Connection) -> None:
        if not self.over:
            self.outcome.lost += 1


async def run(load: Load) -> Outcome:
    """Raises ``RuntimeError`` when the client itself fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.load", json.dumps(asdict(load))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode())
    return Outcome(**json.loads(printed))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(Run.of(Load(**json.loads(sys.argv[1])))))))  # noqa: T201
