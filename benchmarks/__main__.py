"""``make bench``: what Seamark costs above bare FastAPI and bare Celery, side by side in one run."""

import json
import sys
import time

import typer
from framework.embedded.ports import free_port
from host.dev.environment import CLONE
from host.trial import ADMINISTRATOR, Trial, trial

from benchmarks.client import assert_same, call, sign_in, write_contacts
from benchmarks.load import Request
from benchmarks.measure import Case, Spread, compare, proportional_set_size
from benchmarks.report import Report
from benchmarks.resilience import LIMITED, measure_resilience
from benchmarks.task_report import TaskReport
from benchmarks.tasks import measure_tasks

PAGE = CLONE / "docs" / "reference" / "performance.md"
CONTACTS = 200
BOOTS = 3
# An answer from memory is the least that the layers are held against: 1.6 for them all, and the 60 µs that counting a
# request in Redis may cost, which is 0.9 of what bare FastAPI takes for it.
LIMITS = {"/api/greeting": 2.5, "/api/users/me": 2.5, "/api/contacts?limit=20": 3.0}


def measure(installation: Trial, tasks: TaskReport) -> Report:
    installation.environment |= {
        "SM_ENVIRONMENT": "production",
        "SM_PUBLIC_URL": "https://app.example.com",
        "SM_LOG_FORMAT": "json",
        **LIMITED,
        "BENCHMARK_DSN": installation.postgres.url().replace("+asyncpg", ""),
    }
    boot = Spread([boot_once(installation) for _ in range(BOOTS)])
    ours = installation.start_web("benchmarks.seamark:app")
    cookie = sign_in(installation.port, *ADMINISTRATOR)
    write_contacts(installation.port, cookie, CONTACTS)
    me, _ = call(installation.port, "GET", "/api/users/me", cookie=cookie)

    installation.environment["BENCHMARK_ACCOUNT"] = json.dumps(me)
    port = free_port()
    floor = installation.serve("benchmarks.bare:app", "bare", port)
    installation.wait_for(f"http://localhost:{port}/api/greeting", "bare")

    results = []
    for path, limit in LIMITS.items():
        signed_in = () if path == "/api/greeting" else (("cookie", cookie),)
        answer, _ = call(installation.port, "GET", path, cookie=cookie)
        assert_same(answer, call(port, "GET", path)[0], path)
        typer.echo(f"measuring GET {path} …")
        case = Case(f"`GET {path}`", Request(installation.port, path, signed_in), Request(port, path), limit)
        results.append(compare(case, ours.pid, floor.pid))
    memory = proportional_set_size(ours.pid)
    return Report(results, measure_resilience(installation, cookie, typer.echo), memory, boot, tasks)


def boot_once(installation: Trial) -> float:
    began = time.perf_counter()
    installation.start_web()
    seconds = time.perf_counter() - began
    installation.stop("web")
    return seconds


def main() -> int:
    tasks = measure_tasks(typer.echo)
    with trial() as installation:
        report = measure(installation, tasks)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(report.page())
    typer.echo(report.text())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
