"""Where backups are: a folder, or object storage. Names are paths with slashes, relative to it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from host.backup import BackupError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

BLOCK = 8 * 1024 * 1024
UNFINISHED = ".unfinished-"

type Moved = Callable[[int], None]
"""Is told of bytes as they are moved."""


@dataclass(frozen=True, slots=True)
class Stored:
    name: str
    size: int
    """Bytes."""
    modified: datetime


class Target(Protocol):
    """What is named is whole: nothing becomes visible before its last byte is safe."""

    where: str
    is_local: bool

    def files(self, prefix: str = "") -> list[Stored]: ...

    def read(self, name: str) -> bytes:
        """Raises ``FileNotFoundError``."""

    def write(self, name: str, content: bytes) -> None: ...

    def put(self, path: Path, name: str, moved: Moved) -> None:
        """A file of this machine, which may be gone afterwards."""

    def get(self, name: str, path: Path, moved: Moved) -> None: ...

    def delete(self, names: Iterable[str]) -> None: ...


class Folder:
    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.where = str(self.root)

    def files(self, prefix: str = "") -> list[Stored]:
        found = []
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if path.is_file() and name.startswith(prefix) and UNFINISHED not in name:
                with suppress(FileNotFoundError):  # renamed or pruned meanwhile
                    status = path.stat()
                    found.append(Stored(name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)))
        return sorted(found, key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self._parent(name), prefix=UNFINISHED, delete=False) as file:
            file.write(content)
        self._publish(Path(file.name), name)

    def put(self, path: Path, name: str, moved: Moved) -> None:
        staged = self._parent(name) / f"{UNFINISHED}{Path(name).name}"
        try:
            path.replace(staged)
            moved(staged.stat().st_size)
        except OSError:  # another file system
            copy(path, staged, moved)
        self._publish(staged, name)

    def get(self, name: str, path: Path, moved: Moved) -> None:
        copy(self.root / name, path, moved)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            (self.root / name).unlink(missing_ok=True)
            with suppress(OSError):  # not empty yet
                (self.root / name).parent.rmdir()

    def _parent(self, name: str) -> Path:
        parent = (self.root / name).parent
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return parent

    def _publish(self, staged: Path, name: str) -> None:
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(self.root / name)
        sync_folder(staged.parent)


class Bucket:
    is_local = False

    def __init__(self, url: str) -> None:
        try:
            import obstore  # noqa: PLC0415 - an extra, which a folder does not need
            from obstore.store import from_url  # noqa: PLC0415
        except ImportError:
            raise BackupError(
                f"{url} needs the package obstore: uv sync --extra backup, or pip install 'seamark-host[backup]'"
            ) from None
        self.where = url
        self._client = obstore
        try:
            self._store: ObjectStore = from_url(url)
        except Exception as error:
            raise BackupError(f"SM_BACKUP_TARGET {url}: {_said(error)}") from error

    def files(self, prefix: str = "") -> list[Stored]:
        # Object stores match whole parts of a path, so the rest of the prefix is compared here.
        folder = prefix.rpartition("/")[0]
        pages = self._asked(
            lambda: [entry for page in self._client.list(self._store, folder or None) for entry in page]
        )
        found = [Stored(entry["path"], entry["size"], entry["last_modified"]) for entry in pages]
        return sorted((file for file in found if file.name.startswith(prefix)), key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        return bytes(self._asked(lambda: self._client.get(self._store, name).bytes()))

    def write(self, name: str, content: bytes) -> None:
        self._asked(lambda: self._client.put(self._store, name, content))

    def put(self, path: Path, name: str, moved: Moved) -> None:
        def upload() -> None:
            # In parts, and visible once the last one is acknowledged.
            with path.open("rb") as source, self._client.open_writer(self._store, name, buffer_size=BLOCK) as sink:
                while block := source.read(BLOCK):
                    sink.write(block)
                    moved(len(block))

        self._asked(upload)

    def get(self, name: str, path: Path, moved: Moved) -> None:
        def download() -> None:
            with path.open("wb") as sink:
                for block in self._client.get(self._store, name).stream(min_chunk_size=BLOCK):
                    sink.write(block)
                    moved(len(block))

        self._asked(download)

    def delete(self, names: Iterable[str]) -> None:
        listed = list(names)
        if listed:
            self._asked(lambda: self._client.delete(self._store, listed))

    def _asked(self, call: Callable[[], Any]) -> Any:
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            return call()
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise BackupError(f"{self.where}: {_said(error)}") from error


def target_of(where: str) -> Target:
    """Raises ``BackupError``."""
    if "://" not in where:
        return Folder(Path(where))
    return Bucket(where)


def _said(error: Exception) -> str:
    """Without the structure of the library's own error, which follows on twenty lines."""
    return str(error).partition("\n\nDebug source:")[0].strip()


def copy(source: Path, to: Path, moved: Moved) -> None:
    with source.open("rb") as reading, to.open("wb") as writing:
        while block := reading.read(BLOCK):
            writing.write(block)
            moved(len(block))
    shutil.copystat(source, to)


def sync_folder(folder: Path) -> None:
    """A rename is safe once the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
