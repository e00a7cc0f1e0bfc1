"""One change to the shipped files of supervisor at a time gives the code of what it breaks, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from host.deployment.examine import Examine
from host.deployment.supervisor import examine

type Codes = Callable[[Examine, Path], set[str]]
type Mutated = Callable[..., Path]

CLONE = Path(__file__).parents[3]

WEB = "command = /opt/seamark/.venv/bin/sm web --fd 0 --workers 1"
GRACE = "stopwaitsecs = 60"
WORKERS_GRACE = "stopwaitsecs = 85"
UVICORN = "command = /opt/seamark/.venv/bin/uvicorn host.main:app --fd 0"
GUNICORN = "command = /opt/seamark/.venv/bin/gunicorn host.main:app"
ASGI = f"{GUNICORN} -k asgi"
MUTATIONS = {
    "killed while it drains": (GRACE, "stopwaitsecs = 30", {"SM053"}),
    "supervisor's own patience": (GRACE, "", {"SM053"}),
    "a longer drain": (GRACE, f'{GRACE}\nenvironment = SM_DRAIN_TIMEOUT="90"', {"SM053"}),
    "a worker killed in its tasks": (WORKERS_GRACE, "stopwaitsecs = 60", {"SM053"}),
    "a longer grace for tasks": (
        WORKERS_GRACE,
        f"{WORKERS_GRACE}\nenvironment = SM_BACKGROUND_TASKS_SHUTDOWN_GRACE=300",
        {"SM053"},
    ),
    "children told along with their parent": ("stopasgroup = false", "stopasgroup = true", {"SM059"}),
    "a signal that does not wait": ("stopsignal = TERM", "stopsignal = QUIT", {"SM059"}),
    "a shell": (WEB, "command = sh -c '/opt/seamark/.venv/bin/sm web --fd 0'", {"SM059"}),
    "uv": (WEB, "command = uv run sm web --fd 0", {"SM059"}),
    "migrates when it starts": (WEB, "command = bash -c 'sm migrate && exec sm web --fd 0'", {"SM059", "SM066"}),
    "stays away": ("autorestart = true", "", {"SM054"}),
    "given up after three starts": ("startretries = 100000\n", "", {"SM054"}),
    "replaced by count": (WEB, f"{UVICORN} --limit-max-requests 1000", {"SM056"}),
    "believes anybody": (WEB, f"{UVICORN} --proxy-headers --forwarded-allow-ips=*", {"SM055"}),
    "believes anybody by the environment": (WEB, f"{UVICORN}\nenvironment = FORWARDED_ALLOW_IPS='*'", {"SM055"}),
    "debugs": (WEB, f"{UVICORN} --debug", {"SM065"}),
    "reloads": (WEB, f"{UVICORN} --reload", {"SM065"}),
    "a drain cut short": (WEB, f"{UVICORN} --timeout-graceful-shutdown 10", {"SM053"}),
    "connections shorter than the proxy's": (WEB, f"{UVICORN} --timeout-keep-alive 2", {"SM050"}),
    "a secret": (WEB, f'{WEB}\nenvironment = SM_SECRET_KEY="a-key-that-somebody-commits"', {"SM060"}),
    "a password in an address": (WEB, f'{WEB}\nenvironment = SM_REDIS_URL="redis://:hunter2@redis/0"', {"SM060"}),
    "a socket that nobody takes": (WEB, "command = /opt/seamark/.venv/bin/sm web", {"SM065"}),
    "a socket that nobody gives": ("[fcgi-program:web]", "[program:web]", {"SM065"}),
    "an option twice": (GRACE, f"{GRACE}\n{GRACE}", {"SM069"}),
    "no command": (WEB, "", {"SM069"}),
}


def test_what_is_shipped_is_right(codes: Codes) -> None:
    assert codes(examine, CLONE) == set()


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_what_is_changed_is_found(codes: Codes, mutated: Mutated, old: str, new: str, expected: set[str]) -> None:
    assert codes(examine, mutated("supervisor", "seamark.conf", (old, new))) == expected


def test_processes_do_not_share_a_name(codes: Codes, mutated: Mutated) -> None:
    changes = [("web-%(process_num)d.sock", "web.sock")]
    assert codes(examine, mutated("supervisor", "socket-each.conf", *changes)) == {"SM065"}


OF_OLD = {
    f"{GUNICORN} -k uvicorn.workers.UvicornWorker": {"SM065"},
    f"{GUNICORN} -k uvicorn_worker.UvicornH11Worker": {"SM065"},
    f"{GUNICORN} -k uvicorn_worker.UvicornWorker --threads 4": {"SM065"},
    f"{GUNICORN} -k uvicorn_worker.UvicornWorker --worker-connections=100": {"SM065"},
    GUNICORN: {"SM065"},
    f"{ASGI} --timeout 20": {"SM050"},
    f"{ASGI} --graceful-timeout 20": {"SM053"},
    f"{ASGI} --max-requests 200 --max-requests-jitter 20": {"SM056"},
    f"{ASGI} --bind :8000": {"SM063"},
    f"{GUNICORN} -c deploy/gunicorn/gunicorn.conf.py": set(),
}


@pytest.mark.parametrize("command", OF_OLD)
def test_options_of_old_are_found(codes: Codes, mutated: Mutated, command: str) -> None:
    changes = [("[fcgi-program:web]", "[program:web]"), (WEB, command), ("numprocs = 2", "numprocs = 1")]
    assert codes(examine, mutated("supervisor", "seamark.conf", *changes)) == OF_OLD[command]


def test_a_finding_names_the_line(mutated: Mutated) -> None:
    clone = mutated("supervisor", "seamark.conf", (GRACE, "stopwaitsecs = 30"))
    line = (clone / "deploy/supervisor/seamark.conf").read_text().splitlines().index("stopwaitsecs = 30") + 1
    (finding,) = examine(clone, ())
    assert finding.message.startswith(f"deploy/supervisor/seamark.conf:{line}: ")
