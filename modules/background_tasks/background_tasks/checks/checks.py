"""What must hold so that tasks are neither lost nor in each other's way; asked by ``sm doctor`` and by a worker's boot."""

import math
import os
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from framework.application import Application
from framework.checks import Check
from framework.findings import Finding
from framework.health.connections import CONNECTIONS
from framework.settings import Settings, settings_of
from framework.tasks import Task
from framework.tasks.registry import tasks_of

from background_tasks.checks.broker import broker_findings
from background_tasks.codes import SM025, SM026, SM027, SM032, SM033, SM035
from background_tasks.settings import BackgroundTasksSettings

LOCAL = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - recognised, not bound
RELAY_CONNECTIONS = 1


def time_findings(own: BackgroundTasksSettings, tasks: Collection[Task]) -> Iterator[Finding]:
    """Soft limits < hard limits < lease (≤ visibility timeout), and soft limits < grace; a task itself refuses the first."""
    longest = max(tasks, key=lambda task: task.hard_limit, default=None)
    if longest is not None and longest.hard_limit >= own.lease:
        yield SM025.finding(
            f"{longest.name} may run for {longest.hard_limit:g} s, and SM_BACKGROUND_TASKS_LEASE is {own.lease:g}",
            hint="raise the lease above it, or lower its hard limit",
        )
    redelivery = own.visibility_timeout or math.inf
    for name, seconds, fits in (
        ("LEASE", own.lease, own.lease <= redelivery),
        ("REPUBLISH_AFTER", own.republish_after, own.republish_after < redelivery),
    ):
        if not fits:
            yield SM026.finding(
                f"SM_BACKGROUND_TASKS_VISIBILITY_TIMEOUT is {redelivery:g}, "
                f"and SM_BACKGROUND_TASKS_{name} is {seconds:g}",
                hint="raise the visibility timeout above it, or leave it unset",
            )
    slowest = max(tasks, key=lambda task: task.soft_limit, default=None)
    if slowest is not None and slowest.soft_limit >= own.shutdown_grace:
        yield SM027.finding(
            f"{slowest.name} may take {slowest.soft_limit:g} s, and SM_BACKGROUND_TASKS_SHUTDOWN_GRACE is {own.shutdown_grace:g}",
            hint="raise the grace above it (and the patience of whoever stops the worker), or give it steps",
        )


def place_findings(settings: Settings) -> Iterator[Finding]:
    host = urlsplit(settings.redis_url.get_secret_value()).hostname or ""
    if settings.is_production and host.startswith(LOCAL):
        yield SM032.finding(
            f"SM_REDIS_URL names {host} in production",
            hint="name the host that all processes share, or accept it: SM_SILENCED_CHECKS='SM032=one machine'",
        )


def connection_findings(settings: Settings, own: BackgroundTasksSettings, allowed: int) -> Iterator[Finding]:
    """``allowed`` is for all processes together."""
    children = own.concurrency or os.cpu_count() or 1
    of_workers = own.workers * (2 * children + RELAY_CONNECTIONS)
    each_web = settings.database_pool_size + CONNECTIONS
    of_web = settings.web_processes * each_web
    if of_workers + of_web > allowed:
        yield SM033.finding(
            f"{own.workers} × {of_workers // own.workers} for workers and {settings.web_processes} × {each_web} "
            f"for web processes are {of_workers + of_web} connections, and Postgres allows {allowed}",
            hint="raise max_connections, or lower SM_BACKGROUND_TASKS_CONCURRENCY or SM_DATABASE_POOL_SIZE",
        )


def _times(application: Application) -> Iterator[Finding]:
    return time_findings(settings_of(BackgroundTasksSettings), tasks_of(application.modules).values())


def _place(application: Application) -> Iterator[Finding]:
    return place_findings(application.settings)


async def _connections(application: Application) -> list[Finding]:
    own, settings = settings_of(BackgroundTasksSettings), application.settings
    async with application.database.driver_connection() as connection:
        if not settings.database_pgbouncer:
            allowed = await connection.fetchval(
                "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            )
            return list(connection_findings(settings, own, allowed))
        idle = await connection.fetchval(
            "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        )
    return pgbouncer_findings(own, idle / 1000)


def pgbouncer_findings(own: BackgroundTasksSettings, idle_timeout: float) -> list[Finding]:
    """``idle_timeout`` is what holds for a worker's transaction; 0 means never."""
    if 0 < idle_timeout <= 2 * own.lease:
        return []
    return [
        SM035.finding(
            f"idle_in_transaction_session_timeout is {idle_timeout:g} s for what comes through PgBouncer",
            hint=f"ALTER ROLE … SET idle_in_transaction_session_timeout = '{own.lease:g}s'",
        )
    ]


checks = (
    Check("times of tasks", _times),
    Check("place of the broker", _place),
    Check("broker", broker_findings, dynamic=True),
    Check("connections of workers", _connections, dynamic=True),
)
