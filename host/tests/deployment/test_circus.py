"""One change to the shipped file of circus at a time gives the code of what it breaks, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from host.deployment.circus import examine
from host.deployment.examine import Examine

type Codes = Callable[[Examine, Path], set[str]]
type Mutated = Callable[..., Path]

CLONE = Path(__file__).parents[3]

WEB = "cmd = /opt/seamark/.venv/bin/sm web --fd $(circus.sockets.web) --workers 1"
GRACE = "graceful_timeout = 60"
MUTATIONS = {
    "killed while it drains": (GRACE, "graceful_timeout = 30", {"SM053"}),
    "circus' own patience": (GRACE, "", {"SM053"}),
    "a longer drain": ("[watcher:worker]", "[env:web]\nSM_DRAIN_TIMEOUT = 90\n\n[watcher:worker]", {"SM053"}),
    "a worker killed in its tasks": ("graceful_timeout = 85", "graceful_timeout = 60", {"SM053"}),
    "children told along with their parent": ("stop_children = False", "stop_children = True", {"SM059"}),
    "a signal that does not wait": ("stop_signal = TERM", "stop_signal = QUIT", {"SM059"}),
    "a shell": ("use_sockets = True", "use_sockets = True\nshell = True", {"SM059"}),
    "uv": ("cmd = /opt/seamark/.venv/bin/sm web", "cmd = uv run sm web", {"SM059"}),
    "stays away": (GRACE, f"{GRACE}\nrespawn = False", {"SM054"}),
    "given up after five starts": ("max_retry = -1\n", "", {"SM054"}),
    "replaced by age": (GRACE, f"{GRACE}\nmax_age = 3600", {"SM056"}),
    "replaced by count": ("--workers 1", "--workers 1 --limit-max-requests 500", {"SM056"}),
    "believes anybody": ("[watcher:worker]", "[env:web]\nSM_TRUSTED_PROXIES = *\n\n[watcher:worker]", {"SM055"}),
    "a socket that is not handed over": ("use_sockets = True\n", "", {"SM065"}),
    "a reload that ends it": (GRACE, f"{GRACE}\nsend_hup = True", {"SM065"}),
    "a secret": (
        "[watcher:worker]",
        "[env]\nSM_DATABASE_URL = postgresql+asyncpg://a:hunter2@db/seamark\n\n[watcher:worker]",
        {"SM060"},
    ),
    "no command": (WEB, "", {"SM069"}),
    "a section twice": ("[watcher:beat]", "[watcher:worker]", {"SM069"}),
}


def test_what_is_shipped_is_right(codes: Codes) -> None:
    assert codes(examine, CLONE) == set()


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_what_is_changed_is_found(codes: Codes, mutated: Mutated, old: str, new: str, expected: set[str]) -> None:
    assert codes(examine, mutated("circus", "circus.ini", (old, new))) == expected
