"""The manifests as a cluster would get them, and the script that ships them. There is no cluster here: docs/rollout.md says
what was tried otherwise."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from framework.embedded.postgres import client_program
from framework.loader import load_modules
from framework.tasks.registry import tasks_of
from host.deployment.kubernetes import BACKUP, FOLDER, MIGRATE, rendered
from host.deployment.kubernetes.kustomize import FILE, render
from host.deployment.kubernetes.processes import Role, processes
from host.deployment.kubernetes.schemas import OLDEST

from tests.deployment.prometheus import promtool

CLONE = Path(__file__).parents[2]
MANIFESTS = CLONE / FOLDER
OVERLAYS = sorted(path.parent for path in MANIFESTS.glob("overlays/*/kustomization.yaml"))
SECRETS = ("sm_secret_key", "sm_database_url", "sm_redis_url")
BACKUP_SECRETS = ("sm_backup_database_url", "aws_access_key_id", "aws_secret_access_key")
MODULES = tuple(load_modules(None))
by_name = pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
type Report = Callable[[str], None]


@by_name
def test_a_cluster_takes_them_the_oldest_and_the_newest(overlay: Path, report: Report) -> None:
    resources = rendered(overlay)
    for version in (OLDEST, kubernetes_validate.latest_version()):
        for resource in resources:
            kubernetes_validate.validate(resource.body, version, strict=True)
    report(
        f"kubernetes {overlay.name}: {len(resources)} objects are valid for {OLDEST} and {kubernetes_validate.latest_version()}, strictly"
    )


@pytest.fixture
def with_secrets(tmp_path: Path) -> Path:
    """The manifests with files of secrets, which nobody commits."""
    shutil.copytree(MANIFESTS, tmp_path / "kubernetes")
    for part, names in (("settings", SECRETS), (BACKUP, BACKUP_SECRETS)):
        for folder in (tmp_path / "kubernetes/overlays").glob(f"*/{part}"):
            (folder / "secrets").mkdir(exist_ok=True)
            for name in names:
                (folder / "secrets" / name).write_text("secret")
    return tmp_path / "kubernetes"


@by_name
@pytest.mark.parametrize("part", [".", MIGRATE, BACKUP])
def test_kustomize_makes_of_them_what_the_doctor_reads(overlay: Path, part: str, with_secrets: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl")
    folder = with_secrets / "overlays" / overlay.name / part
    if not (folder / FILE).exists():
        pytest.skip(f"{overlay.name} ships no {part}")
    made = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    if "unknown field" in made.stderr:
        pytest.skip("this kubectl knows no components: it is older than 1.21")
    assert made.returncode == 0, made.stderr
    theirs = comparable(yaml.safe_load_all(made.stdout))
    assert theirs == comparable(item.body for item in render(folder))


def comparable(objects: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """Without the hashes in the names of what is generated, and without the values of secrets."""
    found = {}
    for item in objects:
        text = re.sub(r'"(seamark|seamark-backup|backup-programs)-[a-z0-9]{10}"', r'"\1"', json.dumps(item))
        body = json.loads(text)
        if body["kind"] == "Secret":
            body["data"] = sorted(body["data"])
        found[body["kind"], body["metadata"]["name"]] = in_order(body)
    return found


def in_order(value: Any) -> Any:
    """Lists of things that have names, by them: which comes first means nothing."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


@by_name
def test_between_them_the_workers_consume_every_queue(overlay: Path) -> None:
    workers = [item for item in processes(rendered(overlay), MODULES) if item.role is Role.WORKER]
    consumed = [queue for item in workers for queue in item.environment["SM_BACKGROUND_TASKS_QUEUES"].split(",")]
    assert sorted(consumed) == sorted({task.queue for task in tasks_of(MODULES).values()})


def test_the_autoscalers_ask_for_what_the_adapter_offers_of_what_processes_count() -> None:
    scalers = yaml.safe_load_all((MANIFESTS / "overlays/production/scaling.yaml").read_text())
    metrics = [metric for scaler in scalers for metric in scaler["spec"]["metrics"]]
    asked = {item[kind]["metric"]["name"] for item in metrics for kind in ("pods", "external") if kind in item}
    rules = yaml.safe_load((MANIFESTS / "prometheus-adapter.yaml").read_text())["rules"]
    offered = [rule for kind in ("custom", "external") for rule in rules[kind]]
    assert {rule["name"]["as"] for rule in offered} == asked

    series = {
        name for rule in offered for name in re.findall(r"\bseamark_\w+", rule["seriesQuery"] + rule["metricsQuery"])
    }
    sources = [*(CLONE / "framework/framework").rglob("*.py"), *CLONE.glob("modules/*/*/*.py")]
    known = {name for path in sources for name in re.findall(r'"(seamark_\w+)"', path.read_text())}
    assert {name.removesuffix("_bucket") for name in series} <= known


def test_files_of_secrets_cannot_be_committed() -> None:
    paths = [
        str(FOLDER / f"overlays/{overlay.name}/{part}/secrets/{name}")
        for overlay in OVERLAYS
        for part, names in (("settings", SECRETS), (BACKUP, BACKUP_SECRETS))
        for name in names
    ]
    ignored = subprocess.run(["git", "check-ignore", *paths], cwd=CLONE, capture_output=True, text=True, check=False)
    assert ignored.stdout.splitlines() == paths


STAND_IN = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  "wait --for=condition=$OUTCOME "*) exit 0 ;;
  "wait "*) exec sleep 60 ;;
esac
"""
"""Of kubectl: it writes down what it is asked, and knows how the migration ends."""


@pytest.mark.parametrize(("outcome", "ships"), [("complete", True), ("failed", False)])
def test_pods_are_replaced_only_once_the_migration_is_complete(outcome: str, ships: bool, tmp_path: Path) -> None:
    kubectl, calls = tmp_path / "kubectl", tmp_path / "calls"
    kubectl.write_text(STAND_IN)
    kubectl.chmod(0o755)
    done = subprocess.run(
        [MANIFESTS / "roll-out", "overlays/production"],
        env=os.environ | {"KUBECTL": str(kubectl), "CALLS": str(calls), "OUTCOME": outcome},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    overlay = MANIFESTS / "overlays/production"
    said = [line for line in calls.read_text().splitlines() if not line.startswith("wait ")]
    before = ["delete job migrate --namespace seamark --ignore-not-found --wait", f"apply -k {overlay / MIGRATE}"]
    assert said[:2] == before
    assert (done.returncode == 0) is ships, done.stderr
    after = [line.split(" --")[0] for line in said[2:]]
    deployments = ["worker", "upkeep", "beat", "web"]
    shipped = [f"apply -k {overlay}", *(f"rollout status deployment/{name}" for name in deployments)]
    assert after == (shipped if ships else ["logs job/migrate"])


def test_what_backups_need_of_postgres_is_copied_with_its_libraries(tmp_path: Path) -> None:
    """In a container of the server's image; here, of whatever Postgres there is."""
    bin_ = Path(client_program("pg_basebackup")).parent
    environment = {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run(["sh", MANIFESTS / "backup/programs.sh", tmp_path / "to"], env=environment, check=True)
    folder, libraries = tmp_path / "to/bin", tmp_path / "to/lib"
    assert sorted(path.name for path in folder.iterdir()) == [
        "pg_basebackup",
        "pg_receivewal",
        "pg_verifybackup",
        "pg_waldump",
    ]
    for program in folder.iterdir():
        told = subprocess.run(
            [program, "--version"], env={"LD_LIBRARY_PATH": str(libraries)}, capture_output=True, text=True, check=False
        )
        assert told.stdout.startswith(f"{program.name} (PostgreSQL) "), told.stderr
    # Python would take them for its own.
    assert not [path for path in libraries.iterdir() if path.name.startswith(("libc.", "libssl.", "libcrypto."))]


def test_prometheus_understands_what_the_adapter_asks_it(tmp_path: Path) -> None:
    rules = yaml.safe_load((MANIFESTS / "prometheus-adapter.yaml").read_text())["rules"]
    filled = {"<<.LabelMatchers>>": 'namespace="seamark"', "<<.GroupBy>>": "pod"}
    queries = [
        rule[field]
        for kind in ("custom", "external")
        for rule in rules[kind]
        for field in ("seriesQuery", "metricsQuery")
    ]
    for template, value in filled.items():
        queries = [query.replace(template, value) for query in queries]
    recorded = [{"record": f"asked:{position}", "expr": query} for position, query in enumerate(queries)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "adapter", "rules": recorded}]}))
    assert f"SUCCESS: {len(queries)} rules found" in promtool("check", "rules", path)
