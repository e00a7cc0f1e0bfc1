"""Whether Postgres has a connection for every process that there may be at once (SM052)."""

from collections.abc import Iterator, Sequence

from framework.findings import Finding
from framework.health.connections import CONNECTIONS
from framework.settings import Settings

from host.deployment.codes import SM052
from host.deployment.kubernetes.kustomize import Resource
from host.deployment.kubernetes.processes import Process, Role, at_most, in_a_rollout

MAXIMUM = "seamark/postgres-max-connections"
RESERVE = "seamark/postgres-reserve"
CONCURRENCY = "SM_BACKGROUND_TASKS_CONCURRENCY"


def connection_findings(processes: Sequence[Process], resources: Sequence[Resource]) -> Iterator[Finding]:
    allowed = _allowed(resources)
    running = [item for item in processes if item.role in (Role.WEB, Role.WORKER, Role.BEAT) and not item.is_first]
    if not running:
        return
    if allowed is None:
        yield SM052.finding(
            f"No ConfigMap says by the annotation {MAXIMUM} how many connections Postgres takes",
            hint="configMapGenerator: options: annotations: in the overlay's settings/kustomization.yaml",
        )
        return
    yield from _counts(running, resources)
    needed = {item: in_a_rollout(item.resource, resources) * each(item) for item in running}
    if sum(needed.values()) > allowed:
        sums = ", ".join(f"{count} for {item.resource.name}" for item, count in needed.items())
        yield SM052.finding(
            f"{sums} are {sum(needed.values())} connections during a rollout, and {MAXIMUM} less {RESERVE} is {allowed}",
            hint="lower maxReplicas, SM_DATABASE_POOL_SIZE or SM_BACKGROUND_TASKS_CONCURRENCY, raise minReadySeconds, "
            "or put PgBouncer in between",
        )


def each(process: Process) -> int:
    """Connections that one pod has at most (docs/running.md, "Workers"), those of its health checks, and one more when its metrics are asked."""
    settings: Settings = process.expected.settings
    asked = settings.metrics_port is not None
    if process.role is Role.WEB:
        return settings.web_workers * (settings.database_pool_size + CONNECTIONS) + asked
    if process.role is Role.WORKER:
        return 2 * int(process.environment.get(CONCURRENCY, 1)) + 1 + asked
    return 1 + asked


def _allowed(resources: Sequence[Resource]) -> int | None:
    for item in resources:
        said = (item.body["metadata"].get("annotations") or {}) if item.kind == "ConfigMap" else {}
        if MAXIMUM in said:
            return int(said[MAXIMUM]) - int(said.get(RESERVE, 0))
    return None


def _counts(running: Sequence[Process], resources: Sequence[Resource]) -> Iterator[Finding]:
    for item in running:
        if item.role is Role.WORKER and CONCURRENCY not in item.environment:
            yield SM052.finding(
                f"{item} runs as many tasks at a time as its node has processors", hint=f"set {CONCURRENCY}"
            )
    for role, variable in (Role.WEB, "SM_WEB_PROCESSES"), (Role.WORKER, "SM_BACKGROUND_TASKS_WORKERS"):
        of_role = [item for item in running if item.role is role]
        there = sum(at_most(item.resource, resources) * _processes(item) for item in of_role)
        told = min((int(item.environment.get(variable, 1)) for item in of_role), default=there)
        if told < there:
            yield SM052.finding(
                f"{variable} is {told}, and there are up to {there}",
                hint=f"{variable}={there} in the overlay's settings.env: SM033 counts connections by it",
            )


def _processes(process: Process) -> int:
    return process.expected.settings.web_workers if process.role is Role.WEB else 1
