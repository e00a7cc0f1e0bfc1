"""``python -m benchmarks.metrics``: what counting costs a request, and what a scrape costs the process that answers it."""

import time
from statistics import median
from urllib.request import urlopen

import typer
from framework.embedded.ports import free_port
from host.trial import trial

from benchmarks.measure import machine
from benchmarks.resilience import PLAIN, Case, Side, measure_resilience, without

COUNTED = Case("counting", Side(PLAIN), without("RequestMetrics"))
SCRAPES = 20


def main() -> None:
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
