"""``sm backup list``."""

import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from host.backup.catalogue import look
from host.backup.progress import megabytes
from host.backup.receiver import last_received
from host.backup.restoring import restorable_until
from host.backup.settings import BackupSettings
from host.backup.target import target_of

STALE = 60.0
"""Seconds after which a receiver that noted nothing is taken for gone."""


def show(settings: BackupSettings) -> None:
    catalogue = look(target_of(settings.target))
    table = Table("backup", "size", "restorable from", "until", "Seamark", "remarks", title=catalogue.target.where)
    for base in catalogue.bases:
        manifest = base.manifest
        if base.damage:
            table.add_row(manifest.id, megabytes(manifest.size), "–", "–", manifest.seamark, f"damaged: {base.damage}")
            continue
        reach = catalogue.reach(manifest)
        remark = f"gap in the WAL at {reach.missing}" if reach.missing else ""
        until = restorable_until(catalogue, manifest, reach)
        table.add_row(manifest.id, megabytes(manifest.size), _at(manifest.ended), _at(until), manifest.seamark, remark)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)
    received = last_received(catalogue.target)
    if received is None:
        console.print("WAL was never received: `sm backup wal`")
    elif (age := (datetime.now(UTC) - received.written).total_seconds()) > STALE:
        console.print(
            f"Nothing receives WAL since {_at(received.written)}, {age / 60:.0f} minutes ago: `sm backup wal`"
        )
    else:
        console.print(f"WAL is received: {received.behind} bytes behind at {_at(received.written)}")


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
