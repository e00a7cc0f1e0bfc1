"""Where revisions lie: one folder per branch, found without importing any module."""

import re
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

FRAMEWORK = "seamark"
FOLDER = "migrations"
ENTRY_POINTS = "seamark.modules"


def packages() -> dict[str, Path]:
    """The package folder of the framework (branch ``seamark``) and of every installed module, by branch."""
    found = {FRAMEWORK: Path(__file__).parents[1]}
    for name in sorted(point.name for point in entry_points(group=ENTRY_POINTS)):
        # A top-level name: finding it imports nothing.
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found[name] = Path(next(iter(spec.submodule_search_locations)))
    return found


def locations() -> dict[str, Path]:
    """The folder of revisions of every branch that has one."""
    return {name: folder / FOLDER for name, folder in packages().items() if (folder / FOLDER).is_dir()}


def application_root(start: Path | None = None) -> Path:
    """The folder with ``migrations/env.py``: the working directory or one above it.

    Raises ``FileNotFoundError`` when there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "migrations/env.py").is_file():
            return folder
    raise FileNotFoundError(
        f"No migrations/env.py in {start} or above it: run this in the folder that holds the application"
    )


_LISTED = re.compile(r"^version_locations = \[[^\]]*\]", re.MULTILINE)


def listed_for_alembic(pyproject: str, root: Path) -> str:
    """``pyproject.toml`` with ``[tool.alembic] version_locations`` as the installed modules of this tree have it.

    Alembic's own commands know no others; ``env.py`` adds what is installed from elsewhere.
    """
    in_tree = sorted(
        location.resolve().relative_to(root).as_posix()
        for location in locations().values()
        if location.resolve().is_relative_to(root)
    )
    lines = "".join(f'    "%(here)s/{location}",\n' for location in in_tree)
    return _LISTED.sub(f"version_locations = [\n{lines}]", pyproject)
