"""The base backups of a target, and which of them are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from host.backup import BackupError, wal
from host.backup.target import Stored, Target

BASES = "bases/"
MANIFEST = "manifest.json"


class File(BaseModel):
    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """``manifest.json`` of a base backup, written when all else of it is there: without one there is no backup."""

    model_config = ConfigDict(frozen=True)

    id: str
    seamark: str
    """The version that took it."""
    heads: list[str]
    """Alembic's, of all modules."""
    key_ids: list[str]
    """Derived from ``SM_SECRET_KEY`` and its fallbacks; they tell keys apart, and nothing about them."""
    postgres: str
    major: int
    system_identifier: str
    segment_size: int
    timeline: int
    start: str
    """Where its WAL begins, and where it is consistent (``stop``), as Postgres writes positions."""
    stop: str
    began: datetime
    ended: datetime
    files: dict[str, File]

    @property
    def folder(self) -> str:
        return f"{BASES}{self.id}/"

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def first_segment(self) -> int:
        return wal.position(self.start) // self.segment_size


@dataclass(frozen=True, slots=True)
class Base:
    manifest: Manifest
    damage: str
    """What of it is missing or has another size; empty where all is there."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a target held when it was looked at."""

    target: Target
    files: tuple[Stored, ...]
    bases: tuple[Base, ...]
    """The oldest first."""

    @property
    def good(self) -> list[Manifest]:
        return [base.manifest for base in self.bases if not base.damage]

    def reach(self, base: Manifest) -> wal.Reach:
        inside = [file for file in self.files if file.name.startswith(wal.FOLDER)]
        return wal.reach(
            (base.timeline, wal.position(base.start)),
            wal.position(base.stop),
            wal.segments(inside, base.segment_size),
            wal.histories(self.target, inside),
            base.segment_size,
        )

    def find(self, id_: str) -> Manifest:
        """Raises ``BackupError`` for one that is not there or is damaged."""
        for base in self.bases:
            if base.manifest.id == id_:
                if base.damage:
                    raise BackupError(f"{id_} is damaged: {base.damage}")
                return base.manifest
        known = ", ".join(base.manifest.id for base in self.bases) or "none"
        raise BackupError(f"there is no base backup {id_} in {self.target.where}; there are: {known}")


def look(target: Target) -> Catalogue:
    files = tuple(target.files())
    sizes = {file.name: file.size for file in files}
    bases = []
    for name in sizes:
        if name.startswith(BASES) and name.endswith(f"/{MANIFEST}"):
            try:
                manifest = Manifest.model_validate_json(target.read(name))
            except ValidationError as error:
                raise BackupError(f"{target.where}: {name} is not a manifest: {error.errors()[0]['msg']}") from None
            except FileNotFoundError:  # pruned meanwhile
                continue
            damage = [file for file, told in manifest.files.items() if sizes.get(manifest.folder + file) != told.size]
            bases.append(Base(manifest, f"{', '.join(damage)} not as the manifest says" if damage else ""))
    return Catalogue(target, files, tuple(sorted(bases, key=lambda base: base.manifest.id)))


def same_cluster(catalogue: Catalogue, system_identifier: str) -> None:
    """Raises ``BackupError``: two clusters' WAL has the same names, and would overwrite each other."""
    others = {base.manifest.system_identifier for base in catalogue.bases} - {system_identifier}
    if others:
        raise BackupError(
            f"{catalogue.target.where} has backups of another cluster ({', '.join(sorted(others))}; this one is "
            f"{system_identifier}): give this one a SM_BACKUP_TARGET of its own"
        )


def superfluous(catalogue: Catalogue, keep: int) -> tuple[list[Manifest], list[str]]:
    """The base backups beyond the newest ``keep`` good ones, and the WAL that none of the others needs.

    A damaged one takes nobody's place, and the last good one stays whatever ``keep`` is. Nothing is superfluous without one.
    """
    good = catalogue.good
    if not good:
        return [], []
    kept = good[-max(1, keep) :]
    gone = [base.manifest for base in catalogue.bases if base.manifest.id < kept[0].id]
    first = min(manifest.first_segment for manifest in kept)
    inside = [file for file in catalogue.files if file.name.startswith(wal.FOLDER)]
    old = [segment.stored.name for segment in wal.segments(inside, kept[0].segment_size) if segment.number < first]
    return gone, old


def prune(catalogue: Catalogue, keep: int) -> tuple[list[Manifest], int]:
    """The base backups and the number of segments that are gone now."""
    gone, old = superfluous(catalogue, keep)
    for manifest in gone:
        # Its manifest first: what is half gone is no backup.
        catalogue.target.delete([manifest.folder + MANIFEST])
        catalogue.target.delete([file.name for file in catalogue.files if file.name.startswith(manifest.folder)])
    catalogue.target.delete(old)
    return gone, len(old)


def new_id(taken: Sequence[Base], now: datetime | None = None) -> str:
    id_ = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    if any(base.manifest.id == id_ for base in taken):
        raise BackupError(f"there is a base backup {id_} already: wait a second")
    return id_
