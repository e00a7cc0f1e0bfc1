"""What the layers that keep one caller from harming the others cost a request: with and without, in turn."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from framework.embedded.ports import free_port
from host.trial import Trial

from benchmarks.load import Request
from benchmarks.measure import Spread, alternate
from benchmarks.resilience_report import Cost

ROUNDS = 9
"""More than of the routes: a difference of two measurements spreads wider than their ratio."""
UNLIMITED = "seamark.address=1000000/60; seamark.principal=1000000/60"
PLAIN = {"SM_RATE_LIMITS": "seamark.address=off; seamark.principal=off"}
LIMITED = {"SM_RATE_LIMITS": UNLIMITED}
ALONE = {"SM_REDIS_URL": "redis://127.0.0.1:1/0"}
GREET = Request(0, "/api/greeting")
GUARDED = Request(0, "/api/greeting-guarded")
WRITE = Request(0, "/api/greeting", method="POST")
KEYED = replace(WRITE, fresh="idempotency-key")
REPLAYED = replace(WRITE, headers=(("idempotency-key", "the-same-each-time"),))

type Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    environment: Environment
    """What the process is told beside the installation's settings."""
    request: Request = GREET


@dataclass(frozen=True, slots=True)
class Case:
    title: str
    ours: Side
    floor: Side
    """The same without what is measured."""
    limit: float | None = None
    """Microseconds that it may cost."""


def without(layer: str) -> Side:
    return Side(PLAIN | {"BENCHMARK_WITHOUT": layer})


CASES = (
    Case("rate limit, counted in Redis", Side(LIMITED), Side(PLAIN), 60),
    Case("rate limit while Redis is away", Side(LIMITED | ALONE), Side(PLAIN | ALONE), 10),
    Case("rate limits switched off", Side(PLAIN), without("RateLimits")),
    Case("refusal by a rate limit (429)", Side({"SM_RATE_LIMITS": "seamark.address=1/100000"}, replace(GREET, status=429)), Side(PLAIN)),
    Case("deadline", Side(PLAIN), without("Deadline")),
    Case("bound on requests in flight", Side(PLAIN), without("LoadShedding")),
    Case("metrics of requests", Side(PLAIN), without("RequestMetrics"), 10),
    Case("refusal for overload (503)", Side(PLAIN | {"SM_MAX_CONCURRENCY": "1"}, replace(GREET, status=503)), Side(PLAIN), 0),
    Case("breaker around a call, shared through Redis", Side(PLAIN, GUARDED), Side(PLAIN)),
    Case("breaker around a call while Redis is away", Side(PLAIN | ALONE, GUARDED), Side(PLAIN | ALONE)),
    Case("new idempotency key", Side(PLAIN, KEYED), Side(PLAIN, WRITE)),
    Case("answer that an idempotency key repeats", Side(PLAIN, REPLAYED), Side(PLAIN, WRITE)),
)  # fmt: skip


def measure_resilience(
    installation: Trial, cookie: str, say: Callable[[str], None], cases: Sequence[Case] = CASES
) -> list[Cost]:
    servers = _Servers(installation, cookie)
    costs = []
    for case in cases:
        say(f"measuring {case.title} …")
        with servers.of(case.ours) as (ours, pid), servers.of(case.floor) as (floor, other):
            pairs = alternate(ours, pid, floor, other, ROUNDS)
        costs.append(
            Cost(
                case.title,
                Spread([mine for mine, _ in pairs]),
                Spread([bare for _, bare in pairs]),
                Spread([mine - bare for mine, bare in pairs]),
                case.limit,
            )
        )
    return costs


class _Servers:
    """One web process for each environment, started when it is first wanted."""

    def __init__(self, installation: Trial, cookie: str) -> None:
        self._installation = installation
        self._cookie = cookie
        self._running: dict[frozenset[tuple[str, str]], tuple[str, int]] = {}

    @contextmanager
    def of(self, side: Side) -> Iterator[tuple[Request, int]]:
        """The request to its port, and its process id."""
        key = frozenset(side.environment.items())
        if key not in self._running:
            self._running[key] = self._start(f"web-{len(self._running)}", side.environment)
        name, port = self._running[key]
        signed_in = (("cookie", self._cookie),) if side.request.method == "POST" else ()
        with _used_up(port) if side.request.status >= 400 else nullcontext():
            yield (
                replace(side.request, port=port, headers=side.request.headers + signed_in),
                self._installation.processes[name].pid,
            )

    def _start(self, name: str, environment: Environment) -> tuple[str, int]:
        port = free_port()
        uvicorn = ("-m", "uvicorn", "benchmarks.seamark:app", "--port", str(port), "--no-access-log")
        self._installation.start(name, *uvicorn, environment=environment)
        self._installation.wait_for(f"http://localhost:{port}/health", name)
        return name, port


@contextmanager
def _used_up(port: int) -> Iterator[None]:
    """Somebody has had the one request that the limit allows, and has the one place there is."""
    with socket.create_connection(("127.0.0.1", port)) as holder:
        holder.sendall(b"GET /api/hold HTTP/1.1\r\nhost: localhost\r\n\r\n")
        yield
