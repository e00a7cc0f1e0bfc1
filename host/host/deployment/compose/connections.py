"""Whether Postgres has a connection for every process (SM052)."""

from collections.abc import Iterator

from framework.findings import Finding
from framework.health.connections import CONNECTIONS

from host.deployment.codes import SM052
from host.deployment.compose.reading import Compose, Service
from host.deployment.machine.program import Role

RESERVE = 20
"""For people, migrations and what Postgres keeps for its superuser."""
DEFAULT = 100
CONCURRENCY = "SM_BACKGROUND_TASKS_CONCURRENCY"


def connection_findings(compose: Compose) -> Iterator[Finding]:
    postgres = next((service for service in compose.services if service.image.startswith("postgres")), None)
    if postgres is None:
        return
    needed = {
        service: _each(service) * service.replicas
        for role in (Role.WEB, Role.WORKER, Role.BEAT)
        for service in compose.of(role)
    }
    allowed = _maximum(postgres) - RESERVE
    if sum(needed.values()) > allowed:
        sums = ", ".join(f"{count} for {service.name}" for service, count in needed.items())
        yield SM052.finding(
            f"{postgres.at('command')}: {sums} are {sum(needed.values())} connections, and max_connections less {RESERVE} is {allowed}",
            hint="raise max_connections, or lower SM_WEB_WORKERS, SM_DATABASE_POOL_SIZE or " + CONCURRENCY,
        )
    for worker in compose.of(Role.WORKER):
        if CONCURRENCY not in worker.environment:
            yield SM052.finding(
                f"{worker.at('environment')} runs as many tasks at a time as there are processors",
                hint=f"set {CONCURRENCY}",
            )
    for web in compose.of(Role.WEB):
        settings = web.program.expected.settings
        if settings.web_processes < settings.web_workers * web.replicas:
            yield SM052.finding(
                f"{web.at('environment')}: SM_WEB_PROCESSES is {settings.web_processes}, and there are "
                f"{settings.web_workers * web.replicas} web processes",
                hint=f"SM_WEB_PROCESSES={settings.web_workers * web.replicas}, so that the workers count them too",
            )


def _each(service: Service) -> int:
    """Connections that one has at most (docs/running.md, "Workers"); a worker brings its relay along."""
    settings = service.program.expected.settings
    if service.role is Role.WEB:
        return settings.web_workers * (settings.database_pool_size + CONNECTIONS)
    if service.role is Role.WORKER:
        return 2 * int(service.environment.get(CONCURRENCY, 1)) + 1 + 1
    return 1


def _maximum(postgres: Service) -> int:
    said = [word.partition("=")[2] for word in postgres.words if word.startswith("max_connections=")]
    return int(said[-1]) if said else DEFAULT
