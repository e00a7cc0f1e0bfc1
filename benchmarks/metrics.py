"""``python -m benchmarks.metrics``: what counting costs a request, and how long a scrape takes."""

import asyncio
import time
from statistics import median
from timeit import repeat
from urllib.request import urlopen

import typer
from framework.context import RequestContext
from framework.embedded.ports import free_port
from framework.middleware.request_metrics import RequestMetrics
from framework.policies import policy, public
from framework.routing import RouteTable
from host.trial import trial
from starlette.routing import Route

from benchmarks.measure import machine
from benchmarks.resilience import PLAIN, Case, Side, measure_resilience, without

COUNTED = Case("counting", Side(PLAIN), without("RequestMetrics"))
SCRAPES = 20
CALLS = 100_000


async def _nothing(*_: object) -> None:
    pass


def alone() -> float:
    """Microseconds of the layer around an application that does nothing: free of what else the machine does."""
    route = Route("/api/greeting", policy(public)(_nothing))
    layer = RequestMetrics(_nothing, RouteTable([route]))
    context = RequestContext("", template=route.path, status=200)
    scope = {"type": "http", "method": "GET", "seamark": context}

    async def many() -> None:
        for _ in range(CALLS):
            await layer(scope, None, None)  # type: ignore[arg-type]  # nobody receives or sends

    return min(repeat(lambda: asyncio.run(many()), timer=time.process_time, number=1, repeat=5)) / CALLS * 1e6


def main() -> None:
    typer.echo(f"the layer alone: {alone():.1f} µs a request")
    with trial() as installation:
        installation.environment |= {"SM_ENVIRONMENT": "production", "SM_PUBLIC_URL": "https://app.example.com"}
        installation.environment |= {"SM_LOG_FORMAT": "json", "TMPDIR": str(installation.folder)}
        cost = measure_resilience(installation, "", typer.echo, [COUNTED])[0]
        typer.echo(
            f"GET /api/greeting: {cost.ours.text(0)} µs counted, {cost.floor.text(0)} without, costs {cost.difference.text(0)}"
        )
        port = free_port()
        installation.environment |= {"SM_METRICS_PORT": str(port)}
        installation.start_web()
        url = f"http://127.0.0.1:{port}/metrics"
        installation.wait_for(url, "web")
        seconds = []
        for _ in range(SCRAPES):
            began = time.perf_counter()
            with urlopen(url) as answer:
                series = sum(not line.startswith(b"#") for line in answer.read().splitlines())
            seconds.append(time.perf_counter() - began)
        typer.echo(f"a scrape of one process: {median(seconds) * 1000:.0f} ms for {series} series; {machine()}")


if __name__ == "__main__":
    main()
