"""The tables that a module declares. Importing them imports the module, so only commands that compare schemas do."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import MetaData

from framework.database import module_metadata
from framework.migrating.locations import FRAMEWORK, packages

TABLES = "tables"


def metadata_of(branch: str) -> MetaData:
    """``module_metadata(branch)`` with every table that a ``tables.py`` of the package declares."""
    folder = packages()[branch]
    package = "framework" if branch == FRAMEWORK else branch
    for path in sorted(folder.rglob(f"{TABLES}.py")):
        import_module(".".join((package, *_parts(path.relative_to(folder)))))
    return module_metadata(branch)


def _parts(path: Path) -> tuple[str, ...]:
    return (*path.parts[:-1], path.stem)
