"""Reads backups back: what cannot be restored is better known before it is needed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from host.backup import BackupError
from host.backup.catalogue import Base, Catalogue, look
from host.backup.restoring import check_files, unpack
from host.backup.settings import BackupSettings
from host.backup.target import target_of


def problems(settings: BackupSettings, id_: str | None = None) -> Iterator[str]:
    """Of one base backup or all: their files against both manifests, and the WAL after them for gaps.

    Needs room for one unpacked base backup in ``TMPDIR``.
    """
    catalogue = look(target_of(settings.target))
    bases = [base for base in catalogue.bases if id_ in (None, base.manifest.id)]
    if not bases:
        yield f"there is no base backup {id_ or ''} in {catalogue.target.where}"
    for base in bases:
        yield from (f"{base.manifest.id}: {problem}" for problem in _of(settings, catalogue, base))


def _of(settings: BackupSettings, catalogue: Catalogue, base: Base) -> Iterator[str]:
    if base.damage:
        yield base.damage
        return
    missing = catalogue.reach(base.manifest).missing
    if missing:
        yield f"the WAL after it has a gap: {missing} is missing"
    with tempfile.TemporaryDirectory(prefix="seamark-verify-") as folder:
        try:
            unpack(catalogue, base.manifest, Path(folder))
            check_files(settings, base.manifest, Path(folder))
        except BackupError as error:
            yield str(error)
