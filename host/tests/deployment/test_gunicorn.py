"""One change to the shipped configuration of gunicorn at a time gives the code of what it breaks, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from host.deployment.examine import Examine
from host.deployment.gunicorn import examine

type Codes = Callable[[Examine, Path], set[str]]
type Mutated = Callable[..., Path]

CLONE = Path(__file__).parents[3]

FILE = "gunicorn.conf.py"
GRACE = "graceful_timeout = int(settings.drain_delay + settings.drain_timeout) + 7"
SHIPPED_CLASS = "worker_class = Worker"
MUTATIONS = {
    "killed while it drains": (GRACE, "graceful_timeout = 30", {"SM050", "SM053"}),
    "killed as soon as it has drained": (GRACE, GRACE.replace("7", "5"), {"SM053"}),
    "a limit for requests": ("timeout = graceful_timeout", "timeout = 30", {"SM050"}),
    "gunicorn's own times": (GRACE, "", {"SM069"}),
    "connections shorter than the proxy's": ("int(settings.web_keep_alive)", "2", {"SM050"}),
    "replaced by count": ("max_requests = 0", "max_requests = 1000", {"SM056"}),
    "replaced by count, by chance": ("max_requests = 0", "max_requests = 1000\nmax_requests_jitter = 50", {"SM056"}),
    "believes anybody": ('",".join(settings.trusted_proxies)', '"*"', {"SM055"}),
    "the worker of old": (SHIPPED_CLASS, 'worker_class = "uvicorn.workers.UvicornWorker"', {"SM065"}),
    "the slow worker": (SHIPPED_CLASS, 'worker_class = "uvicorn_worker.UvicornH11Worker"', {"SM065"}),
    "no ASGI": (SHIPPED_CLASS, 'worker_class = "gthread"', {"SM065"}),
    "threads": (SHIPPED_CLASS, f"{SHIPPED_CLASS}\nthreads = 4", {"SM065"}),
    "connections that nobody counts": (SHIPPED_CLASS, f"{SHIPPED_CLASS}\nworker_connections = 200", {"SM065"}),
    "a line that nobody measures": (SHIPPED_CLASS, f"{SHIPPED_CLASS}\nlimit_request_line = 8190", {"SM065"}),
    "for development": (SHIPPED_CLASS, f"{SHIPPED_CLASS}\nreload = True", {"SM065"}),
    "a secret": (SHIPPED_CLASS, f'{SHIPPED_CLASS}\nraw_env = ["SM_SECRET_KEY=a-key-that-somebody-commits"]', {"SM060"}),
    "no Python": (SHIPPED_CLASS, "worker_class = = Worker", {"SM069"}),
    "no number": ("backlog = settings.web_backlog", 'backlog = "many"', {"SM069"}),
}


def test_what_is_shipped_is_right(codes: Codes) -> None:
    assert codes(examine, CLONE) == set()


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_what_is_changed_is_found(codes: Codes, mutated: Mutated, old: str, new: str, expected: set[str]) -> None:
    assert codes(examine, mutated("gunicorn", FILE, (old, new))) == expected


def test_gunicorns_own_worker_heeds_more(codes: Codes, mutated: Mutated) -> None:
    own = 'worker_class = "asgi"\nworker_connections = 200'
    assert codes(examine, mutated("gunicorn", FILE, (SHIPPED_CLASS, own))) == set()


def test_a_finding_names_the_line(mutated: Mutated) -> None:
    clone = mutated("gunicorn", FILE, ("max_requests = 0", "max_requests = 1000"))
    line = (clone / "deploy" / "gunicorn" / FILE).read_text().splitlines().index("max_requests = 1000") + 1
    (finding,) = examine(clone, ())
    assert finding.message.startswith(f"deploy/gunicorn/{FILE}:{line}: max_requests")


def test_the_clone_may_be_named_from_here(codes: Codes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CLONE)
    assert codes(examine, Path()) == set()


def test_nobody_needs_it(tmp_path: Path, codes: Codes) -> None:
    assert codes(examine, tmp_path) == set()


def test_a_command_of_a_tutorial_is_taken_apart(tmp_path: Path, codes: Codes) -> None:
    """Written as many have it: everything in one file, nothing of the settings."""
    (tmp_path / "deploy" / "gunicorn").mkdir(parents=True)
    (tmp_path / "deploy" / "gunicorn" / FILE).write_text(
        'worker_class = "uvicorn.workers.UvicornWorker"\nworkers = 9\nthreads = 2\nworker_connections = 500\n'
        'timeout = 20\ngraceful_timeout = 20\nkeepalive = 3\nmax_requests = 500\nforwarded_allow_ips = "*"\n'
    )
    assert codes(examine, tmp_path) == {"SM050", "SM053", "SM055", "SM056", "SM065"}
