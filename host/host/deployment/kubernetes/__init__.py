"""The files for Kubernetes: each overlay as the cluster would get it, its migration, and the ingress controller's settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM058, SM066, SM069
from host.deployment.kubernetes.connections import connection_findings
from host.deployment.kubernetes.edge import controller_findings, edge_findings
from host.deployment.kubernetes.kustomize import FILE, Resource, objects, render
from host.deployment.kubernetes.metrics import metrics_findings
from host.deployment.kubernetes.pods import pod_findings
from host.deployment.kubernetes.processes import Process, Role, processes
from host.deployment.kubernetes.schemas import schema_findings
from host.deployment.kubernetes.secrets import secret_findings

FOLDER = Path("deploy/kubernetes")
FILES = ("deploy/kubernetes/**/*.yaml", "deploy/kubernetes/**/*.env")
CONTROLLER = "ingress-nginx.yaml"
MIGRATE, BACKUP = "migrate", "backup"
ENFORCE = "pod-security.kubernetes.io/enforce"


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    """Overlays share their base: what is wrong there is said once."""
    folder = clone / FOLDER
    if not folder.is_dir():
        return
    said = set()
    for overlay in sorted(path.parent for path in folder.glob(f"overlays/*/{FILE}")):
        for finding in _overlay(overlay, folder, modules):
            if finding not in said:
                said.add(finding)
                yield finding


def _overlay(overlay: Path, folder: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    try:
        yield from _judged(overlay, folder, modules)
    except (OSError, ValueError) as error:
        # Of settings, a process would say the same when it starts.
        yield SM069.finding(f"{overlay.name}: {error}", hint=f"kubectl kustomize {FOLDER / 'overlays' / overlay.name}")


def rendered(overlay: Path) -> list[Resource]:
    """All that an overlay ships, at whatever time. What several of its folders have is there once."""
    folders = [folder for folder in (overlay, overlay / MIGRATE, overlay / BACKUP) if (folder / FILE).exists()]
    found: dict[tuple[str, str], Resource] = {}
    for item in (item for folder in folders for item in render(folder)):
        found.setdefault((item.kind, item.name), item)
    return list(found.values())


def _judged(overlay: Path, folder: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    resources = rendered(overlay)
    invalid = list(schema_findings(resources))
    yield from invalid
    if invalid:
        # What the cluster would refuse may mean anything.
        return
    found = list(processes(resources, modules))
    for process in found:
        yield from pod_findings(process)
    yield from _namespace(resources)
    yield from _migration(overlay.name, found)
    yield from connection_findings(found, resources)
    yield from edge_findings(found, resources)
    yield from metrics_findings(found, resources)
    yield from secret_findings(found, resources, modules)
    yield from _controller(folder, found)


def _namespace(resources: Sequence[Resource]) -> Iterator[Finding]:
    for item in resources:
        if item.kind == "Namespace" and (item.body["metadata"].get("labels") or {}).get(ENFORCE) != "restricted":
            yield SM058.finding(f"{item.where}: {item} takes any pod", hint=f"{ENFORCE}: restricted")


def _migration(overlay: str, found: Sequence[Process]) -> Iterator[Finding]:
    """Migrations are a Job, of the same image as the processes, and nobody else's."""
    jobs = [item for item in found if item.resource.kind == "Job" and item.role is Role.MIGRATION]
    for item in found:
        if item.role is Role.MIGRATION and item not in jobs:
            yield SM066.finding(
                f"{item} migrates whenever it starts", hint="a Job that the rollout waits for, as migrate/job.yaml"
            )
    if not jobs:
        yield SM066.finding(
            f"{overlay} has no Job that migrates", hint=f"overlays/{overlay}/{MIGRATE}, as in the others"
        )
    images = {str(item.container.get("image")) for item in found if item.role is not Role.OTHER}
    if jobs and len(images) > 1:
        yield SM066.finding(
            f"{overlay} migrates by another image than it runs: {', '.join(sorted(images))}",
            hint="one entry of images: in settings/kustomization.yaml",
        )


def _controller(folder: Path, found: Sequence[Process]) -> Iterator[Finding]:
    path = folder / CONTROLLER
    web = next((item for item in found if item.role is Role.WEB), None)
    if web is None or not path.exists():
        return
    for item in objects(path):
        yield from controller_findings(item, web.expected)
