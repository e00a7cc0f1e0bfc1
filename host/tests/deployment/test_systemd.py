"""One change to the shipped units at a time gives the code of what it breaks, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from host.deployment.examine import Examine
from host.deployment.systemd import examine

type Codes = Callable[[Examine, Path], set[str]]
type Mutated = Callable[..., Path]

CLONE = Path(__file__).parents[3]

WEB, WORKER, BEAT, MIGRATE, TOLD = "seamark-web@.service", "seamark-worker.service", "seamark-beat.service", "seamark-migrate.service", "seamark.env"  # fmt: skip
BACKUP, RECEIVER, BACKUPS = "seamark-backup.service", "seamark-backup-wal.service", "backup.env"
START = "ExecStart=/opt/seamark/.venv/bin/sm web --fd 3 --workers 1"
MUTATIONS = {
    "killed while it drains": (WEB, "TimeoutStopSec=60", "TimeoutStopSec=30s", {"SM053"}),
    "killed a minute before it has drained": (WEB, "TimeoutStopSec=60", "TimeoutStopSec=0min 50s", {"SM053"}),
    "a longer drain": (TOLD, "SM_WEB_PROCESSES=2", "SM_WEB_PROCESSES=2\nSM_DRAIN_TIMEOUT=90", {"SM053"}),
    "a worker killed in its tasks": (WORKER, "TimeoutStopSec=85", "TimeoutStopSec=60", {"SM053"}),
    "children told along with their parent": (WORKER, "KillMode=mixed", "", {"SM059"}),
    "what is left goes on": (WEB, "KillMode=mixed", "KillMode=process", {"SM059"}),
    "a signal that does not wait": (WEB, "KillSignal=SIGTERM", "KillSignal=SIGQUIT", {"SM059"}),
    "a shell": (WEB, START, "ExecStart=/bin/sh -c 'exec sm web --fd 3'", {"SM059"}),
    "uv": (WEB, START, "ExecStart=/usr/bin/uv run sm web --fd 3", {"SM059"}),
    "migrates when it starts": (WEB, START, f"ExecStartPre=/opt/seamark/.venv/bin/sm migrate\n{START}", {"SM066"}),
    "does not wait for migrations": (WEB, "After=seamark-migrate.service ", "After=", {"SM066"}),
    "starts whatever became of migrations": (WORKER, "Wants=seamark-migrate.service ", "Wants=", {"SM066"}),
    "never again once migrations failed": (
        WORKER,
        "Wants=seamark-migrate.service",
        "Requires=seamark-migrate.service",
        {"SM054"},
    ),
    "given up after five starts": (BEAT, "StartLimitIntervalSec=0\n", "", {"SM054"}),
    "given up after many starts": (WEB, "StartLimitIntervalSec=0", "StartLimitIntervalSec=5min", {"SM054"}),
    "replaced by count": (WEB, "--workers 1", "--workers 1 --limit-max-requests 500", {"SM056"}),
    "believes anybody": (TOLD, "127.0.0.1,::1", "*", {"SM055"}),
    "a secret among the settings": (TOLD, "SM_WEB_PROCESSES=2", "SM_SECRET_KEY=a-key-that-somebody-commits", {"SM060"}),
    "a secret in a unit": (
        BEAT,
        "Environment=TMPDIR",
        "Environment=SM_REDIS_URL=redis://:hunter2@redis/0\nEnvironment=TMPDIR",
        {"SM060"},
    ),
    "root": (BEAT, "User=seamark\n", "", {"SM058"}),
    "stays away": (BEAT, "Restart=always", "Restart=no", {"SM054"}),
    "the wrong socket": (WEB, "--fd 3", "--fd 0", {"SM065"}),
    "a socket that no unit opens": (WEB, "Sockets=seamark-web.socket", "Sockets=web.socket", {"SM065"}),
    "nobody receives any more": (RECEIVER, "Restart=always", "Restart=on-success", {"SM054"}),
    "a receiver that leaves its program behind": (RECEIVER, "KillMode=mixed", "KillMode=process", {"SM059"}),
    "a receiver told to end otherwise": (RECEIVER, "KillSignal=SIGTERM", "KillSignal=SIGQUIT", {"SM059"}),
    "a backup by a shell": (BACKUP, "ExecStart=", "ExecStart=/bin/sh -c ", {"SM059"}),
    "a backup as root": (BACKUP, "User=seamark\n", "", {"SM058"}),
    "the role's password in a file of settings": (
        BACKUPS,
        "SM_BACKUP_KEEP=7",
        "SM_BACKUP_DATABASE_URL=postgresql+asyncpg://seamark_backup:hunter2@db/seamark",
        {"SM060"},
    ),
    "the storage's key in a file of settings": (
        BACKUPS,
        "SM_BACKUP_KEEP=7",
        "AWS_SECRET_ACCESS_KEY=hunter2",
        {"SM060"},
    ),
    "no option": (MIGRATE, "[Service]", "[Service]\nType oneshot", {"SM069"}),
    "starts nothing": (MIGRATE, "ExecStart=/opt/seamark/.venv/bin/sm migrate", "", {"SM069"}),
}


def test_what_is_shipped_is_right(codes: Codes) -> None:
    assert codes(examine, CLONE) == set()


@pytest.mark.parametrize(("file", "old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_what_is_changed_is_found(
    codes: Codes, mutated: Mutated, file: str, old: str, new: str, expected: set[str]
) -> None:
    assert codes(examine, mutated("systemd", file, (old, new))) == expected
