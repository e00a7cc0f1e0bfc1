"""Writes a data folder that Postgres starts on, and that brings itself to the chosen moment."""

import os
import re
import shutil
import subprocess
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from host.backup import BackupError, wal
from host.backup.base import digest
from host.backup.catalogue import Catalogue, Manifest, look
from host.backup.programs import programs, run
from host.backup.progress import console, megabytes, moving, say
from host.backup.receiver import last_received
from host.backup.settings import BackupSettings, Installation
from host.backup.target import target_of

WAL_HERE = "seamark_wal"
"""Inside the data folder, whose server needs nothing of this machine then: neither the target nor its credentials."""
COMMIT = re.compile(r"desc: COMMIT\S* (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
RESTORED = """
# Written by `sm restore`. Of no effect once recovery has ended; ALTER SYSTEM RESET removes a line.
restore_command = 'cp "{folder}/%f" "%p"'
recovery_target_timeline = 'latest'
recovery_target_action = 'promote'
"""


@dataclass(frozen=True, slots=True)
class Restored:
    folder: Path
    base: Manifest
    until: datetime | None
    """The moment that was asked for; ``None``: all there is."""
    last: datetime
    """Until when all that was committed is there."""
    segments: int
    keys_differ: bool


def restore(
    settings: BackupSettings,
    installation: Installation,
    to: Path,
    *,
    until: datetime | None = None,
    id_: str | None = None,
    owner: str | None = None,
) -> Restored:
    """Raises ``BackupError``, before anything is written where it can."""
    _refuse(to)
    catalogue = look(target_of(settings.target))
    base = choose(catalogue, until, id_)
    reach = catalogue.reach(base)
    last = restorable_until(catalogue, base, reach)
    if until and until > last:
        raise BackupError(
            f"{until.isoformat()} is later than what can be restored: everything until {last.isoformat()} (--latest)"
        )
    if reach.missing:
        say(f"! The WAL has a gap at {reach.missing}: what came after it cannot be restored from this base backup")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    to.chmod(0o700)
    say(f"Restoring {base.id} ({megabytes(base.size)}) and {len(reach.segments)} segments of WAL to {to}")
    unpack(catalogue, base, to)
    check_files(settings, base, to)
    _bring_wal(catalogue, reach, to / WAL_HERE)
    _instruct(settings, base, to, until, reach)
    if owner:
        _give(to, owner)
    keys_differ = bool(base.key_ids) and not set(base.key_ids) <= set(installation.key_ids)
    return Restored(to, base, until, last, len(reach.segments), keys_differ)


def choose(catalogue: Catalogue, until: datetime | None, id_: str | None) -> Manifest:
    """The named one, else the newest that was finished by then: the least WAL to replay."""
    if id_:
        base = catalogue.find(id_)
        if until and until < base.ended:
            raise BackupError(
                f"{id_} was finished at {base.ended.isoformat()}, after {until.isoformat()}: choose an earlier one"
            )
        return base
    fit = [base for base in catalogue.good if until is None or base.ended <= until]
    if fit:
        return fit[-1]
    if catalogue.good:
        raise BackupError(
            f"the oldest base backup was finished at {catalogue.good[0].ended.isoformat()}; nothing earlier can be restored"
        )
    raise BackupError(f"there is no good base backup in {catalogue.target.where}: `sm backup list`")


def restorable_until(catalogue: Catalogue, base: Manifest, reach: wal.Reach) -> datetime:
    """The moment up to which everything is there; what the receiver has noted last, where no WAL is missing."""
    received = last_received(catalogue.target)
    if reach.missing or received is None:
        return max(base.ended, reach.until or base.ended) if reach.missing else base.ended
    return max(base.ended, received.until)


def _refuse(to: Path) -> None:
    try:
        if to.exists() and any(to.iterdir()):
            raise BackupError(f"{to} is not empty; nothing was touched")
    except NotADirectoryError:
        raise BackupError(f"{to} is not a folder") from None


def unpack(catalogue: Catalogue, base: Manifest, to: Path) -> None:
    places = {"base.tar.gz": to, "pg_wal.tar.gz": to / "pg_wal"}
    for name, file in base.files.items():
        fetched = to / f".{name}"
        with moving(name, file.size) as moved:
            catalogue.target.get(base.folder + name, fetched, moved)
        if digest(fetched) != file.sha256:
            raise BackupError(
                f"{base.id}: {name} is not what was written (its SHA-256 differs); take another base backup (--from)"
            )
        if name in places:
            with tarfile.open(fetched) as archive:
                # As the server had them: Postgres refuses folders that others may read. Numbers, as users differ by machine.
                archive.extractall(places[name], filter="tar", numeric_owner=True)
            fetched.unlink()
        else:
            fetched.rename(to / name)


def check_files(settings: BackupSettings, base: Manifest, to: Path) -> None:
    """Every file against the manifest that Postgres made, and the WAL that it needs."""
    try:
        program = programs(base.major, settings.postgres_bin).path("pg_verifybackup")
    except BackupError:
        say(f"! No pg_verifybackup of Postgres {base.major} here: only the SHA-256 of the archives was checked")
        return
    terminal = console.is_terminal
    run([program, *(["--progress"] if terminal else ["--quiet"]), str(to)], shown=terminal)


def _bring_wal(catalogue: Catalogue, reach: wal.Reach, to: Path) -> None:
    to.mkdir(mode=0o700)
    with moving("WAL", sum(segment.stored.size for segment in reach.segments)) as moved:
        for segment in reach.segments:
            name = segment.stored.name
            content = wal.unpacked(name, catalogue.target.read(name))
            # A partial one is asked for by the name that it would have had.
            (to / name.rpartition("/")[2].removesuffix(".gz").removesuffix(".partial")).write_bytes(content)
            moved(segment.stored.size)
    for file in catalogue.files:
        name = file.name.rpartition("/")[2]
        if file.name.startswith(wal.FOLDER) and wal.HISTORY(name):
            (to / name.removesuffix(".gz")).write_bytes(wal.unpacked(name, catalogue.target.read(file.name)))


def _instruct(settings: BackupSettings, base: Manifest, to: Path, until: datetime | None, reach: wal.Reach) -> None:
    for leftover in ("standby.signal", "postmaster.pid"):
        (to / leftover).unlink(missing_ok=True)
    (to / "recovery.signal").touch(mode=0o600)
    lines = RESTORED.format(folder=WAL_HERE)
    if until is not None and not _is_beyond(settings, base, to, until, reach):
        lines += f"recovery_target_time = '{until.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'\n"
    with (to / "postgresql.auto.conf").open("a") as file:
        file.write(lines)


def _is_beyond(settings: BackupSettings, base: Manifest, to: Path, until: datetime, reach: wal.Reach) -> bool:
    """Whether nothing was committed after ``until``. Postgres would wait for such a commit, and then refuse to start."""
    last = last_commit(settings, base, to / WAL_HERE, reach)
    return last is not None and last <= until


def last_commit(settings: BackupSettings, base: Manifest, folder: Path, reach: wal.Reach) -> datetime | None:
    """``None``: there is none in this WAL, or it cannot be read here."""
    try:
        program = programs(base.major, settings.postgres_bin).path("pg_waldump")
    except BackupError:
        return None
    for segment in reversed(reach.segments):
        name = wal.name_of(segment.timeline, segment.number, base.segment_size)
        # Where WAL ends it ends with an error, as the next record is none.
        said = subprocess.run(
            [program, "--rmgr=Transaction", str(folder / name)],
            capture_output=True, text=True, check=False, env=os.environ | {"TZ": "UTC"},
        ).stdout  # fmt: skip
        moments = COMMIT.findall(said)
        if moments:
            return max(datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments)
    return None


def _give(to: Path, owner: str) -> None:
    for path in [to, *to.rglob("*")]:
        with suppress(FileNotFoundError):
            shutil.chown(path, owner)


def steps(restored: Restored) -> str:
    """What is left to do, for people."""
    lines = [
        f"{restored.folder} is ready: Postgres {restored.base.major} replays {restored.segments} segments of WAL when it starts,",
        f"until {restored.until.isoformat() if restored.until else 'the last thing that was received'}, and then takes writes.",
        "",
    ]
    todo = [
        "Stop web, worker and beat, if any of them runs.",
        f"Let the server's user own the folder: chown -R postgres: {restored.folder} (or --owner postgres).",
        f"Start Postgres {restored.base.major} on it, and wait for `SELECT pg_is_in_recovery()` to be false.",
        "Start Redis empty: it holds nothing that Postgres does not know.",
        "sm migrate --check, sm doctor; then web, worker and beat.",
        f"When all is well: rm -r {restored.folder / WAL_HERE}, start `sm backup wal`, and take a base backup.",
    ]
    if restored.keys_differ:
        todo.insert(
            0,
            "SM_SECRET_KEY is not the one of this backup: everybody would be signed out, and links in mail would end. "
            "Set that key, or have it among SM_SECRET_KEY_FALLBACKS.",
        )
    return "\n".join([*lines, *(f"  {number}. {words}" for number, words in enumerate(todo, 1))])
