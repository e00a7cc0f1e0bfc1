"""One change to the shipped files at a time gives the code of what it breaks, and nothing else."""

import shutil
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.kubernetes import FOLDER, examine

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))
WEB, WORKER, POD = "base/web.yaml", "base/worker.yaml", "pod/pod.yaml"
INGRESS, NETWORK, JOB = "base/ingress.yaml", "ground/network.yaml", "migrate/job.yaml"
RECEIVER, BACKUPS, BACKUP_JOB = "backup/wal.yaml", "overlays/production/backup/backup.env", "backup/job.yaml"
SETTINGS = "overlays/production/settings/settings.env"
MINE = "overlays/production/settings/kustomization.yaml"
MUTATIONS = {
    "backups by root": (BACKUP_JOB, "            runAsUser: 10001\n", "            runAsUser: 0\n", {"SM058"}),
    "backups with a writable root": (BACKUP_JOB, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", {"SM058"}),
    "backups with a token for the cluster": (BACKUP_JOB, "          automountServiceAccountToken: false\n", "", {"SM058"}),
    "a receiver within a shell": (RECEIVER, "command: [sm, backup, wal]", "command: [sh, -c, sm backup wal]", {"SM059"}),
    "programs of whichever Postgres": (RECEIVER, "image: postgres:18", "image: postgres:latest", {"SM057"}),
    "the backup role's password": (BACKUPS, "SM_BACKUP_KEEP=7", "SM_BACKUP_DATABASE_URL=postgresql+asyncpg://seamark_backup:hunter2@db/seamark", {"SM060"}),
    "the storage's key": (BACKUPS, "SM_BACKUP_KEEP=7", "AWS_SECRET_ACCESS_KEY=hunter2", {"SM060"}),
    "a schedule that is none": (BACKUP_JOB, "concurrencyPolicy: Forbid", "concurrency: Forbid", {"SM069"}),
    "grace shorter than the drain": (WEB, "PeriodSeconds: 65", "PeriodSeconds: 60", {"SM053"}),
    "grace left out": (WEB, "      terminationGracePeriodSeconds: 65\n", "", {"SM053"}),
    "longer preStop": (WEB, "seconds: 5\n", "seconds: 20\n", {"SM053"}),
    "longer drain": (SETTINGS, "SM_WEB_WORKERS=1", "SM_DRAIN_TIMEOUT=120", {"SM053"}),
    "worker killed early": (WORKER, "PeriodSeconds: 85", "PeriodSeconds: 60", {"SM053"}),
    "liveness asks Postgres": (WEB, "path: /health\n", "path: /health/ready\n", {"SM054"}),
    "liveness behind a login": (WEB, "path: /health\n", "path: /admin/health\n", {"SM054"}),
    "readiness asks nothing": (WEB, "path: /health/ready\n              port: http\n            periodSeconds: 5", "path: /health\n              port: http\n            periodSeconds: 5", {"SM054"}),
    "probe at the port of metrics": (WEB, "path: /health\n              port: http", "path: /health\n              port: metrics", {"SM054"}),
    "worker not asked": (WORKER, "livenessProbe:\n            exec:\n              command: [sm, worker-alive]", "livenessProbe:\n            exec:\n              command: [\"true\"]", {"SM054"}),
    "proxy gives up first": (INGRESS, 'proxy-read-timeout: "40"', 'proxy-read-timeout: "30"', {"SM050"}),
    "controller keeps connections longer": ("ingress-nginx.yaml", 'timeout: "4"', 'timeout: "60"', {"SM050"}),
    "server keeps connections shorter": (SETTINGS, "SM_WEB_WORKERS=1", "SM_WEB_KEEP_ALIVE=3", {"SM050"}),
    "body of four gigabytes": (INGRESS, "proxy-body-size: 1m", "proxy-body-size: 4G", {"SM051"}),
    "larger uploads in the application": (SETTINGS, "SM_WEB_WORKERS=1", "SM_MAX_BODY=2097152", {"SM051"}),
    "uploads like everything else": (INGRESS, "/api/contacts/imports", "/api/contacts/export", {"SM051"}),
    "more pods than connections": ("overlays/production/scaling.yaml", "maxReplicas: 4", "maxReplicas: 12", {"SM052"}),
    "more web pods than said": ("overlays/production/scaling.yaml", "maxReplicas: 6", "maxReplicas: 8", {"SM052"}),
    "pods replaced without a pause": (WEB, "  minReadySeconds: 20\n", "", {"SM052"}),
    "more workers than said": (SETTINGS, "TASKS_WORKERS=5", "TASKS_WORKERS=4", {"SM052"}),
    "a larger pool": (SETTINGS, "POOL_SIZE=6", "POOL_SIZE=20", {"SM052"}),
    "Postgres unknown": (MINE, 'seamark/postgres-max-connections: "280"', 'other: "280"', {"SM052"}),
    "concurrency of the node": (WORKER, "SM_BACKGROUND_TASKS_CONCURRENCY", "SM_BACKGROUND_TASKS_PREFETCH", {"SM052"}),
    "every proxy trusted": (SETTINGS, "PROXIES=10.0.0.0/8", "PROXIES=*", {"SM055"}),
    "the internet trusted": (SETTINGS, "PROXIES=10.0.0.0/8", "PROXIES=0.0.0.0/0", {"SM055"}),
    "no proxy trusted": (SETTINGS, "SM_TRUSTED_PROXIES=10.0.0.0/8\n", "", {"SM055"}),
    "everyone let in": (NETWORK, "    - from:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: ingress-nginx\n      ports:", "    - ports:", {"SM055"}),
    "client's own header passed on": (INGRESS, "annotations:\n    nginx", "annotations:\n    nginx.ingress.kubernetes.io/configuration-snippet: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n    nginx", {"SM055"}),
    "controller believes clients": ("ingress-nginx.yaml", 'headers: "false"', 'headers: "true"', {"SM055"}),
    "latest": (MINE, "newTag: 0.1.0", "newTag: latest", {"SM057"}),
    "a tag that moves": (MINE, "newTag: 0.1.0", "newTag: '1.4'", {"SM057"}),
    "no tag": (MINE, "    newTag: 0.1.0\n", "", {"SM057"}),
    "as root": (POD, "runAsNonRoot: true\n        runAsUser: 10001", "runAsUser: 0", {"SM058"}),
    "a writable root": (POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", {"SM058"}),
    "all capabilities": (POD, "            capabilities:\n              drop: [ALL]\n", "", {"SM058"}),
    "no limit of memory": (WEB, "              memory: 512Mi\n              ephemeral-storage: 1Gi", "              ephemeral-storage: 1Gi", {"SM058"}),
    "a token for the cluster": (POD, "automountServiceAccountToken: false", "automountServiceAccountToken: true", {"SM058"}),
    "any pod allowed": ("ground/namespace.yaml", "enforce: restricted", "enforce: privileged", {"SM058"}),
    "a shell around it": (WEB, 'command: [sm, web, --host, 0.0.0.0, --port, "8000"]', 'command: [sh, -c, "sm web --host 0.0.0.0"]', {"SM059"}),
    "uv run around it": (WORKER, "command: [celery,", "command: [uv, run, celery,", {"SM059"}),
    "a key in the open": (MINE, "files:\n      - secrets/sm_secret_key", "literals:\n      - sm_secret_key=kept\n    files:\n      - secrets/sm_secret_key", {"SM060"}),
    "a password in an address": (SETTINGS, "SM_WEB_WORKERS=1", "SM_REDIS_URL=redis://:secret@redis:6379/0", {"SM060"}),
    "unsafe requests repeated": (INGRESS, "error timeout invalid_header", "error timeout non_idempotent", {"SM061"}),
    "no TLS": (INGRESS, "  tls:\n    - hosts: [app.example.com]\n      secretName: web-tls\n", "", {"SM062"}),
    "another address": (SETTINGS, "https://app.example.com", "https://example.org", {"SM062"}),
    "old TLS": ("ingress-nginx.yaml", "TLSv1.2 TLSv1.3", "TLSv1 TLSv1.2", {"SM062"}),
    "a port of every node": (WEB, "type: ClusterIP", "type: NodePort", {"SM063"}),
    "migrations of every pod": (WORKER, "      containers:\n", "      initContainers:\n        - name: migrate\n          image: seamark\n          command: [sm, migrate]\n          resources: &few\n            limits: {memory: 256Mi}\n          securityContext:\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            capabilities: {drop: [ALL]}\n      containers:\n", {"SM066"}),
    "no migration": (JOB, "command: [sm, migrate]", "command: [sm, doctor]", {"SM066"}),
    "migrated by another image": (JOB, "image: seamark", "image: other:1.0.0", {"SM066"}),
    "a misspelt field": (WEB, "readinessProbe:", "readynessProbe:", {"SM069"}),
    "a setting that no process takes": (SETTINGS, "SM_WEB_WORKERS=1", "SM_WEB_WORKERS=many", {"SM069"}),
    "a time that is none": (INGRESS, 'read-timeout: "40"', 'read-timeout: "a while"', {"SM069"}),
    "no YAML": (WEB, "spec:\n  replicas: 2", "spec: replicas: 2", {"SM069"}),
    "a folder that is not there": ("base/kustomization.yaml", "../ground", "../grounds", {"SM069"}),
}  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(CLONE / FOLDER, tmp_path / FOLDER)
    return tmp_path


def codes(clone: Path) -> set[str]:
    return {finding.code for finding in examine(clone, MODULES)}


def test_the_shipped_files_are_right(clone: Path) -> None:
    assert list(examine(clone, MODULES)) == []


def test_without_files_nothing_is_said(tmp_path: Path) -> None:
    assert list(examine(tmp_path, MODULES)) == []


@pytest.mark.parametrize(("file", "old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_change_is_told_by_its_code(clone: Path, file: str, old: str, new: str, expected: set[str]) -> None:
    path = clone / FOLDER / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert codes(clone) == expected


def test_what_is_wrong_in_the_base_is_said_once(clone: Path) -> None:
    path = clone / FOLDER / WEB
    path.write_text(path.read_text().replace("path: /health\n", "path: /health/ready\n"))
    assert [finding.message for finding in examine(clone, MODULES)] == [
        "base/web.yaml: Deployment web: its livenessProbe asks for /health/ready"
    ]
