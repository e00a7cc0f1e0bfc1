"""Takes a base backup: Postgres' files as they are while it runs, and the WAL that makes them consistent."""

import asyncio
import hashlib
import importlib.metadata
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from host.backup import BackupError
from host.backup.catalogue import MANIFEST, File, Manifest, look, new_id, same_cluster
from host.backup.programs import environment_of, programs, run
from host.backup.progress import console, megabytes, moving, say
from host.backup.server import Server, ask_server, ask_slot, connect, schema_heads
from host.backup.settings import BackupSettings, Installation, url_of
from host.backup.target import BLOCK, UNFINISHED, Folder, Target, target_of

LEFT_BEHIND = 24 * 3600
"""Seconds after which what an interrupted backup staged is removed by the next."""


def take(settings: BackupSettings, installation: Installation) -> Manifest:
    """Raises ``BackupError``; then nothing that looks like a backup is in the target."""
    url = url_of(settings, installation)
    server = asyncio.run(ask_server(url))
    target = target_of(settings.target)
    catalogue = look(target)
    same_cluster(catalogue, server.system_identifier)
    id_ = new_id(catalogue.bases)
    with _staging(target, settings) as staged:
        began = datetime.now(UTC)
        say(f"Base backup {id_} of Postgres {server.version} to {target.where}")
        _pg_basebackup(server, settings, url, staged, id_)
        heads, key_ids = asyncio.run(schema_heads(url)), list(installation.key_ids)
        manifest = _described(staged, id_, server, began, heads=heads, key_ids=key_ids)
        for name, file in manifest.files.items():
            with moving(name, file.size) as moved:
                target.put(staged / name, manifest.folder + name, moved)
    target.write(manifest.folder + MANIFEST, manifest.model_dump_json(indent=2).encode())
    found = next((base for base in look(target).bases if base.manifest.id == id_), None)
    if found is None or found.damage:
        raise BackupError(
            f"{target.where} does not give back what was written: {found.damage if found else 'no manifest'}"
        )
    say(f"✓ {id_}: {megabytes(manifest.size)} in {(manifest.ended - began).total_seconds():.0f} s")
    if not asyncio.run(_is_received(url, settings.slot)):
        say(
            "! Nothing receives WAL (`sm backup wal`): this backup can be restored as it is, and nothing that came after it"
        )
    return manifest


def _pg_basebackup(server: Server, settings: BackupSettings, url: str, staged: Path, id_: str) -> None:
    command = [
        programs(server.major, settings.postgres_bin).path("pg_basebackup"),
        f"--pgdata={staged}",
        "--format=tar",
        "--gzip",
        # Beside the files, by a slot of its own: whole even where nothing else receives WAL.
        "--wal-method=stream",
        "--checkpoint=fast",
        f"--label=seamark {id_}",
        "--manifest-checksums=SHA256",
        "--no-password",
    ]
    terminal = console.is_terminal
    run([*command, *(["--progress"] if terminal else [])], environment_of(url), shown=terminal)


def _described(
    staged: Path, id_: str, server: Server, began: datetime, *, heads: list[str], key_ids: list[str]
) -> Manifest:
    ranges = json.loads((staged / "backup_manifest").read_bytes())["WAL-Ranges"]
    names = sorted(path.name for path in staged.iterdir())
    if others := set(names) - {"base.tar.gz", "pg_wal.tar.gz", "backup_manifest"}:
        raise BackupError(f"this cluster has tablespaces ({', '.join(others)}), which `sm restore` does not put back")
    return Manifest(
        id=id_,
        seamark=importlib.metadata.version("seamark-host"),
        heads=heads,
        key_ids=key_ids,
        postgres=server.version,
        major=server.major,
        system_identifier=server.system_identifier,
        segment_size=server.segment_size,
        timeline=ranges[0]["Timeline"],
        start=ranges[0]["Start-LSN"],
        stop=ranges[-1]["End-LSN"],
        began=began,
        ended=datetime.now(UTC),
        files={name: File(size=(staged / name).stat().st_size, sha256=digest(staged / name)) for name in names},
    )


def digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


@contextmanager
def _staging(target: Target, settings: BackupSettings) -> Iterator[Path]:
    """In the target itself where that is a folder, so that what is finished is only renamed."""
    home = target.root if isinstance(target, Folder) else settings.spool or Path(tempfile.gettempdir())
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in home.glob(f"{UNFINISHED}base-*"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in [old, *old.iterdir()])
            if time.time() - newest > LEFT_BEHIND:
                shutil.rmtree(old)
    folder = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}base-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _is_received(url: str, slot: str) -> bool:
    connection = await connect(url)
    try:
        found = await ask_slot(connection, slot)
    finally:
        await connection.close()
    return found is not None and found.active
