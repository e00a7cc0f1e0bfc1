"""What the host itself is asked by ``sm doctor``."""

from collections.abc import Iterator

from framework.application import Application
from framework.checks import Check
from framework.codes import SM016
from framework.connection_checks import limitless
from framework.findings import Finding, Level
from framework.ladder import configured, ladder, out_of_order
from framework.migrating import schema_findings
from framework.settings import settings_of
from framework.subscriptions import subscription_findings

import host.deployment.codes  # noqa: F401 - declared for the reference, and for whoever silences one
from host import shell
from host.backup.slots import slot_findings


def _frontend_is_built(application: Application) -> Iterator[Finding]:
    if not application.settings.vite_url and shell.built_assets() is None:
        yield SM016.finding(
            f"{shell.MANIFEST} is missing or names no {shell.ENTRY}, so pages are empty",
            hint="npm ci && npm run build",
            # The API works without it, and a worker or a test has no browser.
            level=Level.WARNING,
        )


def _timeouts(application: Application) -> Iterator[Finding]:
    modules = application.modules
    return out_of_order(ladder(modules), configured(application.settings, modules, settings_of))


subscriptions = Check("subscriptions", subscription_findings, dynamic=True)
host_checks = (
    Check("browser application", _frontend_is_built),
    Check("ladder of timeouts", _timeouts),
    Check("time limits of connections", limitless, dynamic=True),
    Check("replication slots", slot_findings, dynamic=True),
    Check("database schema", schema_findings, dynamic=True),
    subscriptions,
)
