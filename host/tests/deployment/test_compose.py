"""One change to docker-compose.yml at a time gives the code of what it breaks, and nothing else."""

import shutil
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.compose import examine
from host.deployment.compose.reading import FILE

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))
WEB = 'command: ["sm", "web", "--host", "0.0.0.0", "--port", "8000"]'
WEB_ENDS = "# SM_DRAIN_DELAY, SM_DRAIN_TIMEOUT and 5 seconds are 55.\n    stop_grace_period: 60s"
WORKER_ENDS = "# SM_BACKGROUND_TASKS_SHUTDOWN_GRACE and 5 seconds are 80.\n    stop_grace_period: 85s"
NGINX_ENDS = "stop_signal: SIGQUIT\n    stop_grace_period: 60s"
ALIVE = 'test: ["CMD", "sm", "worker-alive"]'
MIGRATED = "depends_on:\n      migrate: {condition: service_completed_successfully}\n"
MUTATIONS = {
    "web killed early": (WEB_ENDS, "stop_grace_period: 30s", {"SM053"}),
    "web without a grace": (WEB_ENDS, "", {"SM053"}),
    "a longer drain": ('SM_WEB_WORKERS: "2"', 'SM_WEB_WORKERS: "2"\n    SM_DRAIN_TIMEOUT: "120"', {"SM053"}),
    "a worker killed early": (WORKER_ENDS, "stop_grace_period: 1m", {"SM053"}),
    "a proxy killed early": (NGINX_ENDS, "stop_signal: SIGQUIT", {"SM053"}),
    "a proxy that hangs up": (NGINX_ENDS, "stop_signal: SIGTERM\n    stop_grace_period: 60s", {"SM059"}),
    "web asked for readiness": (WEB, WEB + "\n    healthcheck:\n      test: [CMD, wget, 'http://127.0.0.1:8000/health/ready']", {"SM054"}),
    "web not asked": (WEB, WEB + "\n    healthcheck: {disable: true}", {"SM054"}),
    "a worker not asked": (ALIVE, 'test: ["CMD", "true"]', {"SM054"}),
    "Postgres not asked": ('test: ["CMD", "pg_isready", "--host=127.0.0.1", "--username=seamark", "--dbname=seamark"]', 'test: ["NONE"]', {"SM054"}),
    "a health check by a shell": ('test: ["CMD", "redis-cli", "ping"]', 'test: ["CMD-SHELL", "redis-cli ping"]', {"SM059"}),
    "latest": ("image: redis:8", "image: redis:latest", {"SM057"}),
    "no tag": ("image: nginx:1.28", "image: nginx", {"SM057"}),
    "as root": ('user: "10001:10001"\n    command: ["nginx"', 'user: root\n    command: ["nginx"', {"SM058"}),
    "Postgres as its image pleases": ('image: postgres:18\n    user: "999:999"', "image: postgres:18", {"SM058"}),
    "a writable root": ("read_only: true", "read_only: false", {"SM058"}),
    "capabilities": ("cap_drop: [ALL]", "cap_add: [NET_ADMIN]", {"SM058"}),
    "more privileges by the way": ('  security_opt: ["no-new-privileges:true"]\n', "", {"SM058"}),
    "no limit of memory": ("mem_limit: 2g\n    ", "", {"SM058"}),
    "the engine's own socket": ("- secrets:/srv/seamark/secrets:ro", "- secrets:/srv/seamark/secrets:ro\n    - /var/run/docker.sock:/var/run/docker.sock", {"SM058"}),
    "a shell": (WEB, "command: sh -c 'sm web'", {"SM059"}),
    "uv run": ('command: ["celery", "-A", "background_tasks.celery_app", "worker"', 'command: ["uv", "run", "celery", "-A", "background_tasks.celery_app", "worker"', {"SM059"}),
    "a key": ("SM_SECRET_KEY_FILE: /srv/seamark/secrets/sm_secret_key", "SM_SECRET_KEY: 4yD0vQ", {"SM060"}),
    "a password in an address": ("SM_DATABASE_URL_FILE: /srv/seamark/secrets/sm_database_url", "SM_DATABASE_URL: postgresql+asyncpg://seamark:seamark@postgres/seamark", {"SM060"}),
    "a password of Postgres": ("POSTGRES_PASSWORD_FILE: /srv/seamark/database/password", "POSTGRES_PASSWORD: seamark", {"SM060"}),
    "Postgres published": ("image: postgres:18\n", 'image: postgres:18\n    ports: ["5432:5432"]\n', {"SM063"}),
    "web published": (WEB, WEB + '\n    ports: ["8000:8000"]', {"SM063"}),
    "fewer connections": ("max_connections=80", "max_connections=60", {"SM052"}),
    "a larger pool": ('SM_WEB_PROCESSES: "2"', 'SM_WEB_PROCESSES: "2"\n    SM_DATABASE_POOL_SIZE: "30"', {"SM052"}),
    "more workers than there is room for": (WORKER_ENDS, WORKER_ENDS + "\n    scale: 3", {"SM052"}),
    "concurrency of the machine": ('    SM_BACKGROUND_TASKS_CONCURRENCY: "4"\n', "", {"SM052"}),
    "more web processes than said": ('SM_WEB_PROCESSES: "2"', 'SM_WEB_PROCESSES: "1"', {"SM052"}),
    "connections closed before the proxy's": ('SM_WEB_WORKERS: "2"', 'SM_WEB_WORKERS: "2"\n    SM_WEB_KEEP_ALIVE: "3"', {"SM050"}),
    "the application works longer": ('SM_WEB_WORKERS: "2"', 'SM_WEB_WORKERS: "2"\n    SM_REQUEST_DEADLINE: "60"', {"SM050"}),
    "every proxy believed": ("SM_TRUSTED_PROXIES: ${SEAMARK_NETWORK:-172.31.250}.2", "SM_TRUSTED_PROXIES: '*'", {"SM055"}),
    "the proxy not believed": ("    SM_TRUSTED_PROXIES: ${SEAMARK_NETWORK:-172.31.250}.2\n", "", {"SM055"}),
    "http": ("${SM_PUBLIC_URL:-https:", "${SM_PUBLIC_URL:-http:", {"SM062"}),
    "web beside the migration": (MIGRATED + "      assets", "depends_on:\n      assets", {"SM066"}),
    "a worker as soon as it runs": (MIGRATED + "      redis: {condition: service_healthy}\n    healthcheck", "depends_on:\n      migrate: {condition: service_started}\n    healthcheck", {"SM066"}),
    "web migrates": (WEB, 'command: ["sh", "-c", "sm migrate && sm web"]', {"SM059", "SM066"}),
    "backups without a limit of memory": ("mem_limit: 512m\n  cpus: 1\n  pids_limit: 50\n\nservices", "cpus: 1\n  pids_limit: 50\n\nservices", {"SM058"}),
    "a receiver within a shell": ('command: ["sm", "backup", "wal"]', "command: sh -c 'sm backup wal'", {"SM059"}),
    "a receiver told to end otherwise": ('command: ["sm", "backup", "wal"]', 'command: ["sm", "backup", "wal"]\n    stop_signal: SIGQUIT', {"SM059"}),
    "the storage's key": ("SM_BACKUP_SPOOL: /srv/seamark/spool", "AWS_SECRET_ACCESS_KEY: hunter2", {"SM060"}),
    "programs of whichever Postgres": ('image: postgres:18\n    user: "10001:10001"', 'image: postgres\n    user: "10001:10001"', {"SM057"}),
    "every request counted": (WEB, 'command: ["uvicorn", "host.main:app", "--limit-max-requests=500"]', {"SM056"}),
}  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(CLONE / FILE, tmp_path)
    return tmp_path


def codes(clone: Path) -> set[str]:
    return {finding.code for finding in examine(clone, MODULES)}


def test_the_shipped_file_is_right(clone: Path) -> None:
    assert list(examine(clone, MODULES)) == []


def test_without_the_file_nothing_is_said(tmp_path: Path) -> None:
    assert list(examine(tmp_path, MODULES)) == []


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_change_is_told_by_its_code(clone: Path, old: str, new: str, expected: set[str]) -> None:
    text = (clone / FILE).read_text()
    assert old in text
    (clone / FILE).write_text(text.replace(old, new, 1))
    assert codes(clone) == expected


@pytest.mark.parametrize("text", ["services: [web]", "version: '3'", "services:\n  web:\n image: x"])
def test_what_is_no_compose_file_is_refused(clone: Path, text: str) -> None:
    (clone / FILE).write_text(text)
    with pytest.raises(ValueError, match=FILE):
        codes(clone)


def test_a_usual_file_of_its_kind_has_most_of_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        """
services:
  web:
    build: .
    command: uv run uvicorn host.main:app --host 0.0.0.0 --reload
    ports: ["8000:8000"]
    environment:
      - SM_DATABASE_URL=postgresql+asyncpg://app:app@db/app
      - SM_PUBLIC_URL=http://app.example.com
    depends_on: [db]
  db:
    image: postgres
    environment:
      POSTGRES_PASSWORD: app
"""
    )
    assert codes(tmp_path) == {
        *("SM053", "SM057", "SM058", "SM059", "SM060", "SM062", "SM063", "SM065", "SM066"),
    }
