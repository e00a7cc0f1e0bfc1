"""Four releases of a module that renames a column while it serves: each runs beside the one before, and can go back to it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "releases"


@dataclass(frozen=True, slots=True)
class Release:
    """``revisions``: how many of the module's it has. ``writes`` and ``reads`` are of its statements."""

    name: str
    revisions: int
    writes: str
    reads: str

    @property
    def head(self) -> str:
        return f"shelf_{self.revisions:04}"

    def install(self, site: Path) -> str:
        """What a process that is of this release has as ``PYTHONPATH``."""
        folder = site / self.name.replace(" ", "-")
        shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("revisions", "__pycache__"))
        names = self.writes.split(", ")
        (folder / "shelf" / "statements.py").write_text(
            f'READ = "SELECT {self.reads} FROM shelf.book ORDER BY id"\n'
            f'WRITE = "INSERT INTO shelf.book ({self.writes}) VALUES ({", ".join([":name"] * len(names))})"\n'
        )
        migrations = folder / "shelf" / "migrations"
        migrations.mkdir()
        for path in sorted((SOURCES / "revisions").glob("*.py"))[: self.revisions]:
            shutil.copy(path, migrations)
        return os.fspath(folder)


RELEASES = (
    Release("has a title", 1, writes="title", reads="title"),
    Release("writes both", 3, writes="title, name", reads="coalesce(name, title)"),
    Release("has a name", 4, writes="name", reads="name"),
    Release("drops the title", 5, writes="name", reads="name"),
)
