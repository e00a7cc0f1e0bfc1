"""``sm doctor --deploy`` over everything that ships: one change, wherever it is, gives exactly the codes of what it breaks."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment import codes as declared
from host.deployment.examine import examine, missing, parts
from typer.testing import CliRunner

from host import cli

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))
SHIPPED = ("Dockerfile", ".dockerignore", "docker-compose.yml", "deploy")
COMPOSE, IMAGE = "docker-compose.yml", "Dockerfile"
NGINX, KUBERNETES, MACHINE = "deploy/nginx", "deploy/kubernetes", "deploy/systemd/seamark.env"
PRODUCTION = f"{KUBERNETES}/overlays/production/settings/settings.env"
GUNICORN, CIRCUS = "deploy/gunicorn/gunicorn.conf.py", "deploy/circus/circus.ini"
SUPERVISOR = "deploy/supervisor/seamark.conf"
PGBOUNCER, PROMETHEUS = "deploy/pgbouncer/pgbouncer.ini", "deploy/prometheus/prometheus.yml"

type Change = tuple[str, str, str]
"""A file, what is there, and what is written instead."""

ONE_FILE: dict[str, tuple[Change, set[str]]] = {
    "nginx gives up first": ((f"{NGINX}/proxy.conf", "proxy_read_timeout 40s", "proxy_read_timeout 20s"), {"SM050"}),
    "gunicorn kills first": ((GUNICORN, "timeout = graceful_timeout", "timeout = 30"), {"SM050"}),
    "nginx takes four gigabytes": ((f"{NGINX}/seamark.conf", "body_size 1m", "body_size 4G"), {"SM051"}),
    "the ingress takes four gigabytes": ((f"{KUBERNETES}/base/ingress.yaml", "body-size: 1m", "body-size: 4g"), {"SM051"}),
    "Postgres takes fewer": ((COMPOSE, '"max_connections=', '"max_connections=9", "-c", "other='), {"SM052"}),
    "systemd kills in the drain": (("deploy/systemd/seamark-web@.service", "TimeoutStopSec=60", "TimeoutStopSec=20"), {"SM053"}),
    "supervisor kills in the drain": ((SUPERVISOR, "stopwaitsecs = 60", "stopwaitsecs = 20"), {"SM053"}),
    "circus kills in the drain": ((CIRCUS, "graceful_timeout = 60", "graceful_timeout = 20"), {"SM053"}),
    "Kubernetes kills in the drain": ((f"{KUBERNETES}/base/web.yaml", "PeriodSeconds: 65", "PeriodSeconds: 30"), {"SM053"}),
    "liveness on readiness": ((f"{KUBERNETES}/base/web.yaml", "path: /health\n", "path: /health/ready\n"), {"SM054"}),
    "the image asks for readiness": ((IMAGE, "8000/health'", "8000/health/ready'"), {"SM054"}),
    "the client's own address": ((f"{NGINX}/proxy.conf", "For $remote_addr", "For $proxy_add_x_forwarded_for"), {"SM055"}),
    "everyone believed": ((MACHINE, "127.0.0.1,::1", "*"), {"SM055"}),
    "recycled": ((GUNICORN, "max_requests = 0", "max_requests = 1000"), {"SM056"}),
    "whatever is newest": ((COMPOSE, "image: redis:8", "image: redis:latest"), {"SM057"}),
    "as root": ((IMAGE, "USER 10001:10001", "USER root"), {"SM058"}),
    "a shell in between": ((IMAGE, 'CMD ["sm", "web", "--host", "0.0.0.0"]', "CMD sm web --host 0.0.0.0"), {"SM059"}),
    "a key for everybody": ((COMPOSE, "SM_SECRET_KEY_FILE: /srv/seamark/secrets/sm_secret_key", "SM_SECRET_KEY: 4yD0vQ"), {"SM060"}),
    "PgBouncer's password": ((PGBOUNCER, "port=5432", "port=5432 password=4yD0vQ"), {"SM060"}),
    "POST repeated": ((f"{NGINX}/proxy.conf", "error timeout invalid_header", "error timeout non_idempotent"), {"SM061"}),
    "TLS of old": ((f"{NGINX}/tls.conf", "TLSv1.2 TLSv1.3", "TLSv1 TLSv1.2"), {"SM062"}),
    "Postgres for everybody": ((COMPOSE, "image: postgres:18\n", 'image: postgres:18\n    ports: ["5432:5432"]\n'), {"SM063"}),
    "gunicorn for everybody": ((GUNICORN, 'bind = "127.0.0.1:8000"', 'bind = ":8000"'), {"SM063"}),
    "systemd for everybody": (("deploy/systemd/seamark-web.socket", "=/run/seamark/web.sock", "=8000"), {"SM063"}),
    "PgBouncer for everybody": ((PGBOUNCER, "listen_addr = 127.0.0.1", "listen_addr = *"), {"SM063"}),
    "a folder twice": ((f"{NGINX}/files.conf", "root /srv/seamark;", "root /srv/seamark/build;"), {"SM064"}),
    "an option of old": ((SUPERVISOR, "sm web --fd 0 --workers 1", "uvicorn host.main:app --fd 0 --debug"), {"SM065"}),
    "PgBouncer by sessions": ((PGBOUNCER, "pool_mode = transaction", "pool_mode = session"), {"SM065"}),
    "web beside the migration": (("deploy/systemd/seamark-web@.service", "Wants=seamark-migrate.service ", "Wants="), {"SM066"}),
    "counted by another key": ((f"{NGINX}/names.conf", "limit_req_zone $seamark_client", "limit_req_zone $http_x_user_id"), {"SM067"}),
    "upgraded each time": ((f"{NGINX}/proxy.conf", "Connection $seamark_connection", "Connection upgrade"), {"SM068"}),
    "no YAML": ((PROMETHEUS, "scrape_configs:", "scrape_configs: :"), {"SM069"}),
    "no number": ((PGBOUNCER, "query_wait_timeout = 5", "query_wait_timeout = five"), {"SM069"}),
}  # fmt: skip

WORKERS = 'SM_WEB_WORKERS: "2"'
IN_COMPOSE = f"{WORKERS}\n    "
PROCESSES = "SM_WEB_PROCESSES=2"
IN_CLUSTER = "SM_WEB_WORKERS=1"
NGINX_WAITS = (f"{NGINX}/proxy.conf", "proxy_read_timeout 40s", "proxy_read_timeout 80s")
LONGER = "SM_REQUEST_DEADLINE=60\nSM_DRAIN_TIMEOUT=80"
PATIENT = [
    ("deploy/systemd/seamark-web@.service", "TimeoutStopSec=60", "TimeoutStopSec=95"),
    (SUPERVISOR, "stopwaitsecs = 60", "stopwaitsecs = 95"),
    ("deploy/supervisor/socket-each.conf", "stopwaitsecs = 60", "stopwaitsecs = 95"),
    (CIRCUS, "graceful_timeout = 60", "graceful_timeout = 95"),
]
# What is told in one file, and relied on in another.
FILES_TOGETHER: dict[str, tuple[Sequence[Change], set[str]]] = {
    "Compose: requests outlast nginx": (
        [(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_REQUEST_DEADLINE: "60"\n    SM_DRAIN_TIMEOUT: "80"'),
         (COMPOSE, "# SM_DRAIN_DELAY, SM_DRAIN_TIMEOUT and 5 seconds are 55.\n    stop_grace_period: 60s", "stop_grace_period: 95s")],
        {"SM050"},
    ),
    "Compose: nginx is said to wait longer than it does": (
        [(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_PROXY_READ_TIMEOUT: "50"')], {"SM050"},
    ),
    "Compose: connections closed before nginx'": ([(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_WEB_KEEP_ALIVE: "4"')], {"SM050"}),
    "Compose: a delay shorter than nginx keeps connections": ([(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_DRAIN_DELAY: "3"')], {"SM050"}),
    "Compose: larger bodies than nginx takes": ([(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_MAX_BODY: "2097152"')], {"SM051"}),
    "Compose: larger imports than nginx takes": (
        [(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_CONTACTS_IMPORT_MAX_BYTES: "209715200"')], {"SM051"},
    ),
    "Compose: nginx has another address": ([(COMPOSE, "ipv4_address: ${SEAMARK_NETWORK:-172.31.250}.2\n", "ipv4_address: ${SEAMARK_NETWORK:-172.31.250}.9\n")], {"SM055"}),
    "Compose: a pool for which there is no room": ([(COMPOSE, WORKERS, f'{IN_COMPOSE}SM_DATABASE_POOL_SIZE: "40"')], {"SM052"}),
    "Compose: more workers than said": ([(COMPOSE, WORKERS, 'SM_WEB_WORKERS: "3"')], {"SM052"}),
    "a machine: requests outlast nginx": ([(MACHINE, PROCESSES, f"{PROCESSES}\n{LONGER}"), *PATIENT], {"SM050"}),
    "a machine: a drain that nobody waits for": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_DRAIN_TIMEOUT=80")], {"SM053"}),
    "a machine: nginx is said to wait longer than it does": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_PROXY_READ_TIMEOUT=50")], {"SM050"}),
    "a machine: connections closed before nginx'": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_WEB_KEEP_ALIVE=3")], {"SM050"}),
    "a machine: larger bodies than nginx takes": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_MAX_BODY=2097152")], {"SM051"}),
    "a machine: nginx not believed": ([(MACHINE, "127.0.0.1,::1", "10.0.0.7")], {"SM055"}),
    "a machine: tasks that outlast everybody": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_BACKGROUND_TASKS_SHUTDOWN_GRACE=120")], {"SM053"}),
    "a machine: more processes than said": ([(SUPERVISOR, "numprocs = 2", "numprocs = 4")], {"SM052"}),
    "a machine: more watched than said": ([(CIRCUS, "numprocesses = 2", "numprocesses = 4")], {"SM052"}),
    "a machine: Prometheus asks elsewhere": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_METRICS_PORT=9500")], {"SM054"}),
    "a machine: PgBouncer takes fewer": ([(MACHINE, PROCESSES, f"{PROCESSES}\nSM_DATABASE_POOL_SIZE=600")], {"SM052"}),
    "supervisor: its own drain": ([(SUPERVISOR, "numprocs = 2", "numprocs = 2\nenvironment = SM_WEB_KEEP_ALIVE=3")], {"SM050"}),
    "a cluster: requests outlast the ingress": ([(PRODUCTION, IN_CLUSTER, f"{IN_CLUSTER}\nSM_REQUEST_DEADLINE=60")], {"SM050"}),
    "a cluster: the ingress is said to wait longer than it does": ([(PRODUCTION, IN_CLUSTER, f"{IN_CLUSTER}\nSM_PROXY_READ_TIMEOUT=50")], {"SM050"}),
    "a cluster: larger imports than the ingress takes": ([(PRODUCTION, IN_CLUSTER, f"{IN_CLUSTER}\nSM_CONTACTS_IMPORT_MAX_BYTES=209715200")], {"SM051"}),
    "a cluster: Prometheus asks elsewhere": ([(PRODUCTION, "SM_METRICS_PORT=9400", "SM_METRICS_PORT=9500")], {"SM054"}),
    "a cluster: metrics for the pod alone": ([(PRODUCTION, "SM_METRICS_HOST=0.0.0.0", "SM_METRICS_HOST=127.0.0.1")], {"SM054"}),
    "a cluster: Prometheus is not let in": ([(f"{KUBERNETES}/ground/network.yaml", "port: 9400", "port: 9464")], {"SM054"}),
}  # fmt: skip
# The same change wherever it counts breaks nothing.
TOGETHER: dict[str, Sequence[Change]] = {
    "longer requests, a longer drain and more patience": [(MACHINE, PROCESSES, f"{PROCESSES}\n{LONGER}\nSM_PROXY_READ_TIMEOUT=80"), NGINX_WAITS, *PATIENT],
    "shorter requests behind a proxy that gives up earlier": [
        (MACHINE, PROCESSES, f"{PROCESSES}\nSM_REQUEST_DEADLINE=20\nSM_DATABASE_STATEMENT_TIMEOUT=15\nSM_PROXY_READ_TIMEOUT=30"),
        (COMPOSE, WORKERS, f'{IN_COMPOSE}SM_REQUEST_DEADLINE: "20"\n    SM_DATABASE_STATEMENT_TIMEOUT: "15"\n    SM_PROXY_READ_TIMEOUT: "30"'),
        (f"{NGINX}/proxy.conf", "proxy_read_timeout 40s", "proxy_read_timeout 30s"),
    ],
    "metrics at another port": [(MACHINE, PROCESSES, f"{PROCESSES}\nSM_METRICS_PORT=9500"), (PROMETHEUS, ":9464", ":9500")],
    "more processes": [(MACHINE, PROCESSES, "SM_WEB_PROCESSES=4"), (SUPERVISOR, "numprocs = 2", "numprocs = 4"), (CIRCUS, "numprocesses = 2", "numprocesses = 4")],
}  # fmt: skip


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: what a file is read for once is not read again where it has not changed."""
    folder = tmp_path_factory.mktemp("deployment")
    for name in SHIPPED:
        source = CLONE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "secrets", "own.env"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def clone(copied: Path) -> Iterator[Path]:
    """Afterwards all is as it was."""
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    yield copied
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def changed(clone: Path, changes: Sequence[Change]) -> set[str]:
    for file, old, new in changes:
        text = (clone / file).read_text()
        assert old in text, f"{file} has no {old}"
        (clone / file).write_text(text.replace(old, new, 1))
    return {finding.code for finding in examine(clone, MODULES)}


def test_what_is_shipped_agrees(clone: Path) -> None:
    assert examine(clone, MODULES) == []


@pytest.mark.parametrize(("change", "expected"), ONE_FILE.values(), ids=ONE_FILE)
def test_a_change_is_told_by_its_code(clone: Path, change: Change, expected: set[str]) -> None:
    assert changed(clone, [change]) == expected


@pytest.mark.parametrize(("changes", "expected"), FILES_TOGETHER.values(), ids=FILES_TOGETHER)
def test_files_that_disagree_are_found(clone: Path, changes: Sequence[Change], expected: set[str]) -> None:
    assert changed(clone, changes) == expected


@pytest.mark.parametrize("changes", TOGETHER.values(), ids=TOGETHER)
def test_files_that_change_together_agree(clone: Path, changes: Sequence[Change]) -> None:
    changed(clone, changes)
    assert examine(clone, MODULES) == []


def test_variables_of_ones_own_count(clone: Path) -> None:
    own = clone / "deploy/compose/own.env"
    own.write_text("SM_WEB_KEEP_ALIVE=3\n")
    try:
        assert changed(clone, []) == {"SM050"}
    finally:
        own.unlink()


def test_a_finding_says_which_two_files_disagree(clone: Path) -> None:
    changed(clone, FILES_TOGETHER["a machine: larger bodies than nginx takes"][0])
    said = [finding.message for finding in examine(clone, MODULES)]
    assert all("deploy/nginx/seamark.conf:" in message for message in said)
    assert all("as deploy/systemd/seamark-web@.service tells the processes" in message for message in said)


def test_every_code_is_told_of_some_change() -> None:
    codes = {name for name in vars(declared) if name.startswith(("SM05", "SM06"))}
    assert codes == {f"SM{number:03}" for number in range(50, 70)}
    assert set().union(*(expected for _, expected in ONE_FILE.values())) == codes


def sm(*words: str, cwd: Path = CLONE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "host.cli", "doctor", "--deploy", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_what_it_looked_at_from_any_folder(tmp_path: Path) -> None:
    done = sm(cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [part.name for part in parts()]
    assert lines[-1] == "✓ nothing found"


@pytest.fixture
def doctor(environment: dict[str, str]) -> CliRunner:
    return CliRunner()


def test_for_programs_it_is_one_document(clone: Path, doctor: CliRunner) -> None:
    changed(clone, [ONE_FILE["as root"][0]])
    done = doctor.invoke(cli.app, ["doctor", "--deploy", "--root", str(clone), "--format", "json"])
    said = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [finding["code"] for finding in said["findings"]] == ["SM058"]
    assert set(said["looked_at"]) == {part.name for part in parts()}
    assert all(said["looked_at"].values())


def test_what_is_accepted_with_a_reason_is_no_error(
    clone: Path, doctor: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(clone, [ONE_FILE["recycled"][0]])
    monkeypatch.setenv("SM_SILENCED_CHECKS", "SM056=a library leaks")
    done = doctor.invoke(cli.app, ["doctor", "--deploy", "--root", str(clone)])
    assert done.exit_code == 0
    assert "silenced, a library leaks" in done.stdout


def test_a_part_that_is_not_there_is_said_to_be_not_there(tmp_path: Path, doctor: CliRunner) -> None:
    shutil.copy(CLONE / "Dockerfile", tmp_path)
    shutil.copy(CLONE / ".dockerignore", tmp_path)
    said = doctor.invoke(cli.app, ["doctor", "--deploy", "--root", str(tmp_path)]).stdout.splitlines()
    assert "  image       2 files" in said
    assert "  nginx       none here" in said


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_where_there_is_nothing_to_look_at_it_says_so(tmp_path: Path, doctor: CliRunner, folder: str) -> None:
    done = doctor.invoke(cli.app, ["doctor", "--deploy", "--root", str(tmp_path / folder)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr


def test_without_developers_libraries_it_says_so(doctor: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() == []
    monkeypatch.setattr("host.deployment.examine.LIBRARIES", ("yaml", "crossplane_of_nobody"))
    done = doctor.invoke(cli.app, ["doctor", "--deploy"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "not installed: crossplane_of_nobody" in done.stderr
